# Sourced by the other launch scripts: makes the virtual environment on first use and puts it on PATH.
# Needs bash and a Python with venv; uv is used when it is there. No C compiler: every dependency is a wheel.
#
#   DDTRAIN_PYTHON   Python to make it with       (default python3)
#   DDTRAIN_VENV     where it lies                (default <checkout>/.venv)
#   DDTRAIN_EXTRAS   what to install, by commas   (default "mpi"; "" with a cluster's own MPI)
#
# A script that needs another extra sets needs=EXTRA first: an argument of source would be the script's own $1 when
# there is none.
# shellcheck shell=bash

fail() {
  printf 'ddtrain: error: %s\n' "$1" >&2
  exit 2
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$(realpath -ms "${DDTRAIN_VENV:-$root/.venv}")
base=${DDTRAIN_PYTHON:-python3}
extras=${DDTRAIN_EXTRAS-mpi}
extras=$extras${needs:+${extras:+,}$needs}
requirement=$root${extras:+[$extras]}

# The stamp's name is a checksum of what was installed, so that a changed pyproject.toml installs again; it is written
# last, so that an installation that failed or was interrupted is taken up again.
stamp=$venv/.ddtrain-$(printf '%s' "$extras $root" | cat - "$root/pyproject.toml" | cksum | cut -d' ' -f1)

make_venv() {
  command -v "$base" >/dev/null || fail "no $base; install Python 3.11 or newer, or set DDTRAIN_PYTHON"
  "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$base is $("$base" -V 2>&1), but ddtrain needs Python 3.11 or newer; set DDTRAIN_PYTHON"
  if command -v uv >/dev/null; then
    uv venv --quiet --python "$base" "$venv" || fail "uv could not make $venv"
  elif ! "$base" -c 'import ensurepip, venv' 2>/dev/null; then
    fail "$base has no venv module; 'apt install python3-venv', install uv, or set DDTRAIN_PYTHON"
  else
    "$base" -m venv "$venv" || fail "$base could not make $venv"
  fi
}

install() {
  if command -v uv >/dev/null; then
    uv pip install --quiet --python "$venv/bin/python" --editable "$requirement"
  else
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$requirement"
  fi
}

if [ ! -e "$stamp" ]; then
  printf 'ddtrain: setting up %s, once ...\n' "$venv" >&2
  [ -x "$venv/bin/python" ] || make_venv
  install || fail "the installation into $venv failed, see above; run again to take it up"
  touch "$stamp"
fi

# What the ranks run: a program of one's own where the caller's first argument is one, mine.py, or else a recipe.
# shellcheck disable=SC2034  # it is for the caller
if [[ ${1-} == *.py ]]; then program=(); else program=(-m ddtrain.train); fi

export VIRTUAL_ENV=$venv PATH=$venv/bin:$PATH
# One BLAS thread a rank: more threads than cores slow a step down 6 to 12 times.
export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-1}
