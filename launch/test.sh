#!/usr/bin/env bash
# Run the whole test suite, MPI tests at every world size.
#
#   launch/test.sh [pytest options]
set -euo pipefail

needs=test
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
exec python -m pytest "$@"
