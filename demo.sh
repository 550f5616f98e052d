#!/usr/bin/env bash
# Compresses the sample checkpoint at a stated quality and shows sizes and what was lost.
set -euo pipefail
cd "$(dirname "$0")"
out=target/demo
rm -rf "$out" && mkdir -p "$out"
# HCT_PROFILE=dev takes the build that the tests take.
profile=${HCT_PROFILE:-release}
cargo build --profile "$profile" --locked --quiet -p hct-cli
hct=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}/hct
sample=assets/sample/model.safetensors
run() { printf '\n$ hct %s\n' "$*"; "$hct" "$@"; }
run compress "$sample" -o "$out/safe.hct"
run compress "$sample" -o "$out/rdo.hct" --cosine 0.995
run verify "$out/rdo.hct"
run info "$out/rdo.hct"
run diff "$sample" "$out/rdo.hct"
run decompress "$out/rdo.hct" -o "$out/restored.safetensors"
