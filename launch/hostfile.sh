#!/usr/bin/env bash
# Train on the machines that a file names, over ssh, where there is no batch system.
#
#   launch/hostfile.sh HOSTS [RECIPE | mine.py] [--config run.toml] [--section.key value ...]
#
# HOSTS has a line a machine, and how many ranks it takes: "node1:4" for MPICH, "node1 slots=4" for Open MPI. All need
# this checkout and its environment at the same path (a shared directory, or a copy each), and ssh without a password.
set -euo pipefail

hosts=${1-}
shift "$(($# < 1 ? $# : 1))"
needs=''
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
[ -r "$hosts" ] || fail "'$hosts': expected a file of hosts, as in launch/hostfile.sh HOSTS digits_mlp"
# export OPENBLAS_CORETYPE=Haswell  # on machines of several kinds: the oldest, so that all add in the same order

ranks=0
while read -r host slots; do
  [ -n "$host" ] && [ "${host#\#}" = "$host" ] || continue
  name=${host%%:*} count=1
  [[ "$host $slots" =~ (:|slots=)([0-9]+) ]] && count=${BASH_REMATCH[2]}
  ssh -n -o BatchMode=yes "$name" test -x "$venv/bin/python" ||
    fail "$name: no answer over ssh without a password, or no $venv there"
  ranks=$((ranks + count))
done <"$hosts"
[ "$ranks" -gt 0 ] || fail "'$hosts' names no host; a line is node1:4 for MPICH, node1 slots=4 for Open MPI"

# By its whole name, as Open MPI leaves the other machines their own PATH.
exec mpirun -hostfile "$hosts" -n "$ranks" "$venv/bin/python" "${program[@]}" "$@"
