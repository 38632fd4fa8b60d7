-- The segments that end with the day $1: days are dropped oldest first, so all earlier days of theirs have gone too.
DELETE FROM segments WHERE last_day = $1
