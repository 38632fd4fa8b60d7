#!/bin/sh
# The one door for people: ./build.sh VERB [ARGUMENTS]
#   run [ARGUMENTS]   set up and start AetherLens; arguments go to `aetherlens start`
#   test [ARGUMENTS]  set up and run every check; arguments go to pytest
#   bench             run the benchmarks
#   lock              resolve the dependencies anew into config/lock/
set -eu
cd "$(dirname "$0")"

say() { printf '%s\n' "build.sh: $*" >&2; }
stop() { say "$*"; exit 1; }

# Sets $python to the first interpreter that is new enough.
find_python() {
    for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return
        fi
    done
    stop "Python 3.11 or newer is missing; install it with: apt-get install python3 python3-venv"
}

# setup VENV LOCK PYTHON: make VENV hold exactly what LOCK names, and this checkout, editable. Quick when nothing changed.
setup() {
    wanted="$(pwd) $(sed '/^\[tool\.ruff\]/,$d' pyproject.toml | cat - "$2" | cksum)"
    if [ -f "$1/.installed" ] && [ "$(cat "$1/.installed")" = "$wanted" ]; then return; fi
    "$3" -c 'import ensurepip, venv' 2>/dev/null ||
        stop "Python's venv module is missing; install it with: apt-get install python3-venv"
    say "installing into $1 (once, and after a change of dependencies)"
    rm -f "$1/.installed"
    "$3" -m venv --clear "$1" || stop "cannot make the virtual environment $1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r "$2" ||
        stop "the dependencies of $2 cannot be installed; see pip's message above"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-build-isolation --no-deps -e . ||
        stop "the checkout cannot be installed into $1; see pip's message above"
    printf '%s' "$wanted" > "$1/.installed"
}

# A developer's environment holds all that a run needs, so a run leaves it as it is.
setup_run() {
    if [ -f .venv/.lock ] && [ "$(cat .venv/.lock)" = test ]; then lock=test; else lock=run; fi
    find_python
    setup .venv "config/lock/$lock.txt" "$python"
}

setup_test() {
    find_python
    setup .venv config/lock/test.txt "$python"
    echo test > .venv/.lock
}

lock() {
    for name in run test; do
        extra=$([ "$name" = run ] && echo editable || echo test)
        uv pip compile pyproject.toml --extra "$extra" --universal --python-version 3.11 --generate-hashes \
            --no-header --no-annotate --quiet "$@" -o "config/lock/$name.txt"
    done
}

run_tests() {
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy src web plugins tests
    .venv/bin/lint-imports --no-cache
    .venv/bin/pytest "$@"
}

# The image's Python is 3.13: the unit tests run on it too where one is installed.
run_unit_tests_on_3_13() {
    for python in python3.13 "$HOME"/.pyenv/versions/3.13.*/bin/python3.13 none; do
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then break; fi
    done
    if [ "$python" = none ]; then say "no Python 3.13 here: the unit tests ran on one version only"; return; fi
    if [ "$(.venv/bin/python -c 'import sys; print(sys.version_info[:2])')" = "(3, 13)" ]; then return; fi
    setup .venv-3.13 config/lock/test.txt "$python"
    .venv-3.13/bin/pytest tests/unit --durations=0 --durations-min=5
}

verb=${1:-help}
[ $# -gt 0 ] && shift
case "$verb" in
    run) setup_run; exec .venv/bin/aetherlens start "$@" ;;
    test) setup_test; run_tests "$@"; [ $# -gt 0 ] || run_unit_tests_on_3_13 ;;
    bench) setup_test; PYTHONPATH=tests exec .venv/bin/python -m benchmarks "$@" ;;
    lock) lock "$@" ;;
    *) sed -n '2,6s/^# \{0,1\}//p' "$0"; [ "$verb" = help ] ;;
esac
