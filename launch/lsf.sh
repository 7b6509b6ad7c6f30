#!/usr/bin/env bash
# Train on an LSF cluster. Some minutes before its time is over the job stops with a checkpoint; LSF queues it again,
# and it goes on.
#
#   bsub <launch/lsf.sh                                                         # from the checkout
#   ARGS='mine.py --optim.lr 0.1' bsub -n 16 -W 24:00 <launch/lsf.sh
#   ARGS=digits_mlp bsub -J 'seeds[1-5]' <launch/lsf.sh                         # five runs, of seeds 1 to 5
#
# Options of bsub win over the lines below. The environment that all nodes see is made once before, where there is a
# network: bash -c 'source launch/env.sh'
#
#   ARGS          recipe or program, and options, by spaces
#   DDTRAIN_RUN   the run's directory  (default runs/JOB[-SEED])
#
#BSUB -J ddtrain
#BSUB -n 8
#BSUB -R "span[ptile=4]"
#BSUB -W 4:00
#BSUB -wt 5 -wa USR1
#BSUB -Q 99
#BSUB -o ddtrain-%J-%I.out
set -euo pipefail

# USR1 comes to all processes of the job, 5 minutes early: -wt is what a step, an evaluation and a checkpoint take.
asked=''
trap 'asked=yes' USR1

read -ra arguments <<<"${ARGS-}"
set -- "${arguments[@]}"
# module load openmpi && export DDTRAIN_EXTRAS=  # the cluster's own MPI, in place of the extra mpi's
# export OPENBLAS_CORETYPE=Haswell  # on nodes of several kinds: the oldest, so that all add in the same order
needs=''
source launch/env.sh

run=${DDTRAIN_RUN:-runs/ddtrain-$LSB_JOBID}
if [ "${LSB_JOBINDEX:-0}" -gt 0 ]; then
  run=$run-$LSB_JOBINDEX
  set -- "$@" --run.seed "$LSB_JOBINDEX"
fi
code=0
mpirun -n "$LSB_DJOB_NUMPROC" "$venv/bin/python" "${program[@]}" "$@" --run.dir "$run" --run.resume auto || code=$?

# 75: stopped on request, with a checkpoint; 99, by -Q above, queues it again. A file RUN/STOP does not.
if [ -n "$asked" ] && [ "$code" -eq 75 ]; then code=99; fi
exit "$code"
