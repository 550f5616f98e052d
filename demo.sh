#!/usr/bin/env bash
# Compresses the sample checkpoint at a stated quality and shows sizes and what was lost.
set -euo pipefail
cd "$(dirname "$0")"
out=target/demo
rm -rf "$out" && mkdir -p "$out"
# HCT=PATH takes a program that is there.
hct=${HCT:-${CARGO_TARGET_DIR:-target}/release/hct}
[[ ${HCT:-} ]] || cargo build --release --locked --quiet -p hct-cli
sample=assets/sample/model.safetensors
run() { printf '\n$ hct %s\n' "$*"; "$hct" "$@"; }
run compress "$sample" -o "$out/safe.hct"
run compress "$sample" -o "$out/rdo.hct" --cosine 0.995
run verify "$out/rdo.hct"
run info "$out/rdo.hct"
run diff "$sample" "$out/rdo.hct"
run decompress "$out/rdo.hct" -o "$out/restored.safetensors"
