#!/bin/sh
# Shell scripts pass shellcheck.
set -u
cd "$(dirname "$0")/../.." || exit 1
files=$(git ls-files -co --exclude-standard '*.sh' .ci/run)
# shellcheck disable=SC2086
shellcheck $files
