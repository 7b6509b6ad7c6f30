#!/usr/bin/env bash
# Train on this machine, with four ranks unless -n says otherwise.
#
#   launch/local.sh [-n RANKS] [RECIPE | mine.py] [--config run.toml] [--section.key value ...]
set -euo pipefail

ranks=4
case ${1-} in
  -n) ranks=${2-} && shift "$(($# < 2 ? $# : 2))" ;;
  -n*) ranks=${1#-n} && shift ;;
esac
needs=
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
[[ $ranks =~ ^[1-9][0-9]*$ ]] || fail "-n '$ranks': expected a number of ranks, 1 or more"
for argument in "$@"; do
  [[ $argument != -n* ]] || fail "'$argument': -n RANKS comes first, as in launch/local.sh -n 2 digits_mlp"
done
command -v mpirun >/dev/null || fail "no mpirun; leave DDTRAIN_EXTRAS unset for one of ddtrain's own, or load your MPI"

# Under mpirun a rank's standard output is a pipe, or with Open MPI always a terminal: say how many columns the real one
# has, 0 for none.
columns=0
if [ -t 1 ]; then
  columns=$(stty size 2>/dev/null </dev/tty | cut -d' ' -f2) || true
  [[ $columns =~ ^[1-9] ]] || columns=80
fi
export DDTRAIN_TTY=$columns

# Open MPI 4 and 5 refuse more ranks than cores without being asked; MPICH does not read these.
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe

exec mpirun -n "$ranks" python "${program[@]}" "$@"
