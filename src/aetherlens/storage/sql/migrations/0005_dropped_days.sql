-- UTC days whose raw samples retention has dropped: their aggregates are final, as nothing could compute them again.
CREATE TABLE dropped_days (day date PRIMARY KEY);
