#!/usr/bin/env bash
# Tests the examples on Dask, and on Ray with --all, against an S3 server on loopback, in the environment
# that crates/hct-python/check.sh makes and builds the package into.
set -euo pipefail
cd "$(dirname "$0")"
venv=${HCT_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/hct/venv}
[ -x "$venv/bin/python" ] || {
    echo "examples not checked: run crates/hct-python/check.sh first" >&2
    exit 1
}
packages=('dask[distributed]' 'moto[server]' s3fs)
modules=(dask distributed moto s3fs)
if [ "${1:-}" = --all ]; then
    packages+=(ray)
    modules+=(ray)
fi
missing=$("$venv/bin/python" - "${modules[@]}" <<'PY'
import importlib.util, sys
print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name) is None))
PY
)
[ -z "$missing" ] || "$venv/bin/pip" install --quiet "${packages[@]}"
"$venv/bin/python" -m pytest -rs -p no:cacheprovider .
