#!/usr/bin/env bash
# Run the whole test suite on all cores, MPI tests at every world size from 1 to 4.
#
#   launch/test.sh [pytest options]
set -euo pipefail

needs='test'
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
exec python -m pytest -n auto "$@"
