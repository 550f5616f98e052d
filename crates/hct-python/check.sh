#!/usr/bin/env bash
# Builds the package into an environment of its own, kept in a cache folder, and tests it there.
# With --all also PyTorch and transformers are installed, once (5 GB), and tested with.
set -euo pipefail
cd "$(dirname "$0")"
root=$PWD/../..
venv=${HCT_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/hct/venv}
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    echo "holotensor not checked: no python3 of 3.10 or later" >&2
    exit 1
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
packages=(numpy ml_dtypes pytest 'maturin>=1.9.4,<2' tqdm)
modules=(numpy ml_dtypes pytest maturin tqdm)
if [ "${1:-}" = --all ]; then
    packages+=(torch transformers)
    modules+=(torch transformers)
fi
# An index is asked only where something is missing.
missing=$("$venv/bin/python" - "${modules[@]}" <<'PY'
import importlib.util, sys
print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name) is None))
PY
)
[ -z "$missing" ] || "$venv/bin/pip" install --quiet "${packages[@]}"

# The profile that the workspace's own tests are built with: optimized, and built already as a rule.
VIRTUAL_ENV=$venv PATH="$venv/bin:$PATH" "$venv/bin/maturin" develop --profile dev --locked
# To hold files to the bytes of the command line, where it has been built.
cli=${CARGO_TARGET_DIR:-$root/target}/debug/hct
[ ! -x "$cli" ] || export HCT_CLI=${HCT_CLI:-$cli}
"$venv/bin/python" -m pytest -rs tests
