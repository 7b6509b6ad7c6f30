#!/usr/bin/env bash
# Train on this machine, with four ranks unless -n says otherwise.
#
#   launch/local.sh [-n RANKS] [RECIPE] [--config run.toml] [--section.key value ...]
set -euo pipefail

ranks=4
case ${1-} in
  -n) ranks=${2-} && shift "$(($# < 2 ? $# : 2))" ;;
  -n*) ranks=${1#-n} && shift ;;
esac
needs=
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
[[ $ranks =~ ^[1-9][0-9]*$ ]] || fail "-n '$ranks': expected a number of ranks, 1 or more"
command -v mpirun >/dev/null || fail "no mpirun; leave DDTRAIN_EXTRAS unset for one of ddtrain's own, or load your MPI"

# Under mpirun standard output is a pipe: say how wide the terminal behind it is, if there is one.
if [ -t 1 ]; then
  DDTRAIN_TTY=$(stty size 2>/dev/null </dev/tty | cut -d' ' -f2) || true
  export DDTRAIN_TTY=${DDTRAIN_TTY:-80}
fi

exec mpirun -n "$ranks" python -m ddtrain.train "$@"
