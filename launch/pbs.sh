#!/usr/bin/env bash
# Train on a PBS cluster (OpenPBS, PBS Pro). Some minutes before its time is over the job stops with a checkpoint, and
# submits the next, which goes on.
#
#   qsub launch/pbs.sh                                            # from the checkout
#   qsub -v ARGS='mine.py --optim.lr 0.1' launch/pbs.sh
#
# Edit the lines below, as the next job is submitted with them, too. The environment that all nodes see is made once
# before, where there is a network: bash -c 'source launch/env.sh'
#
#   ARGS          recipe or program, and options, by spaces; no commas, which are qsub's
#   STOP_AFTER_S  seconds until the job stops, fewer than its walltime by a step, an evaluation and a checkpoint
#   DDTRAIN_RUN   the run's directory  (default runs/NAME-JOB)
#
#PBS -N ddtrain
#PBS -l select=2:ncpus=4:mpiprocs=4
#PBS -l walltime=04:00:00
#PBS -j oe
set -euo pipefail

cd "$PBS_O_WORKDIR" # PBS starts jobs in the home directory
read -ra arguments <<<"${ARGS-}"
set -- "${arguments[@]}"
# module load openmpi && export DDTRAIN_EXTRAS=  # the cluster's own MPI, in place of the extra mpi's
# export OPENBLAS_CORETYPE=Haswell  # on nodes of several kinds: the oldest, so that all add in the same order
needs=''
source launch/env.sh

export ARGS=${ARGS-} DDTRAIN_RUN=${DDTRAIN_RUN:-runs/$PBS_JOBNAME-${PBS_JOBID%%.*}} STOP_AFTER_S=${STOP_AFTER_S:-14100}
code=0
timeout --foreground --preserve-status --signal=USR1 "$STOP_AFTER_S" \
  mpirun -n "$(wc -l <"$PBS_NODEFILE")" -hostfile "$PBS_NODEFILE" \
  "$venv/bin/python" "${program[@]}" "$@" --run.dir "$DDTRAIN_RUN" --run.resume auto || code=$?

# 75: stopped on request, with a checkpoint. A file RUN/STOP stops a run, too, but then the time is not over.
if [ "$code" -eq 75 ] && [ "$SECONDS" -ge "$STOP_AFTER_S" ]; then
  qsub -v ARGS,DDTRAIN_RUN,STOP_AFTER_S launch/pbs.sh
fi
exit "$code"
