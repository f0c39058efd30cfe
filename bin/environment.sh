# Sourced by the other scripts, from the clone's root: `.venv` with the locked packages of requirements/$lock.txt.
for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11 none; do
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
done
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  packages="python3 python3-venv python3-pip"
  [ "$python" = none ] || [ "$python" = python3 ] || packages="$python $python-venv"
  echo "Python 3.11 or newer with venv and pip is missing: apt-get install $packages" >&2
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 1
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $packages
  [ "$python" != none ] || python=python3
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || exit 1
fi
wanted="$("$python" -V) $(cksum < "requirements/$lock.txt")"
if [ "$(cat ".venv/$lock.lock" 2>/dev/null)" != "$wanted" ]; then
  echo "Installing the packages of requirements/$lock.txt into .venv" >&2
  .venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
  options="--disable-pip-version-check --no-input --require-hashes -r requirements/$lock.txt"
  if [ -t 2 ]; then
    # A person watches: say how far it is.
    packages=$(.venv/bin/python bin/packages "requirements/$lock.txt")
    .venv/bin/python -m pip install $options > .venv/pip.log 2>&1 &
    installer=$!
    while kill -0 "$installer" 2>/dev/null; do
      printf '\r  %s of %s packages' "$(grep -cE '^(Collecting|Processing) ' .venv/pip.log || true)" "$packages" >&2
      sleep 1
    done
    echo >&2
    wait "$installer" || { cat .venv/pip.log >&2; exit 1; }
  else
    .venv/bin/python -m pip install -qq $options
  fi
  echo "$wanted" > ".venv/$lock.lock"
fi
export PYTHONPATH="$PWD/src"
