#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The engine's tests on a build with the address and undefined-behaviour sanitizers.
# Needs cmake, a compiler and nanobind; PYTHON is the interpreter to test with,
# NANOBIND one that has nanobind (by default the same). Arguments go to pytest; with
# FUZZ=SECONDS damaged files are tried instead (fuzz.py), and arguments go there.
set -eu
python=${PYTHON:-python}
nanobind=${NANOBIND:-$python}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A copy, so that the extension of the tree stays as it is.
mkdir "$work/tree"
cp -r "$root/lava_sparse_rnn" "$root/tests" "$root/CMakeLists.txt" \
  "$root/pyproject.toml" "$work/tree"
rm -f "$work"/tree/lava_sparse_rnn/engine/_native*
cmake -S "$work/tree" -B "$work/build" -DENGINE_SANITIZE=ON \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DPython_EXECUTABLE="$("$python" -c 'import sys; print(sys.executable)')" \
  -Dnanobind_DIR="$("$nanobind" -m nanobind --cmake_dir)" >"$work/log"
cmake --build "$work/build" --target install >>"$work/log" || {
  cat "$work/log"
  exit 1
}

# An editable install would be found first; it is taken off the search.
cd "$work/tree"
cat >run.py <<'EOF'
import sys
sys.meta_path = [f for f in sys.meta_path if "ScikitBuild" not in type(f).__name__]
sys.path.insert(0, ".")
import pytest
from lava_sparse_rnn.engine import _native
assert "tree" in _native.__file__, _native.__file__
sys.exit(pytest.main(["tests/engine", "-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
EOF
set -- run.py "$@"
if [ -n "${FUZZ:-}" ]; then
  shift
  set -- tests/engine/fuzz.py --tree "$work/tree" --seconds "$FUZZ" "$@"
fi
ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
LD_PRELOAD="$(c++ -print-file-name=libasan.so) $(c++ -print-file-name=libubsan.so)" \
  "$python" "$@"
