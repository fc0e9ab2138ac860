# shellcheck shell=bash
# Shared by the chores in this folder; each sources it first and then stands in the project's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '==> %s\n' "$*"; }

# need PACKAGE...: installs those Debian packages that are missing; says nothing when all are there.
need() {
  local missing=() package root=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "run this as root, or install sudo" >&2; exit 2; }
    root=(sudo)
  fi
  local quiet=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o Acquire::Retries=3)
  "${root[@]}" "${quiet[@]}" update >/dev/null
  "${root[@]}" "${quiet[@]}" install --no-install-recommends "${missing[@]}" >build/apt.log 2>&1 ||
    { tail -20 build/apt.log >&2; exit 2; }
}

# What every build needs.
need_to_build() {
  need g++ cmake ninja-build pkg-config libfmt-dev libexpected-dev libtomlplusplus-dev nlohmann-json3-dev \
    libre2-dev libarchive-dev zlib1g-dev libzstd-dev liblzma-dev libbz2-dev liblz4-dev nettle-dev libcli11-dev \
    libssl-dev libyaml-cpp-dev libboost-dev
}

# build PRESET [TARGET...]: configures and builds; output in build/PRESET.
build() {
  local preset=$1
  shift
  if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
  say "building preset $preset in build/$preset"
  cmake --preset "$preset" >"build/$preset-configure.log" 2>&1 ||
    { tail -40 "build/$preset-configure.log" >&2; exit 2; }
  cmake --build --preset "$preset" ${1:+--target "$@"}
}

mkdir -p build
