#!/usr/bin/env bash
# What the tests need from the operating system beside Node: a browser and fonts for the end-to-end tests, ripgrep and
# a compiler for the VS Code they run in, and a Vulkan loader for WebGPU on the software driver that Chromium brings.
#
# On Debian or Ubuntu, as root, installs what is missing. Anywhere else, names it and stops.
set -euo pipefail

missing=()
need() { # need PACKAGE COMMAND...: the package is missing unless the command succeeds
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
# Reads to the end: were grep to stop at the first hit (-q), ldconfig could fail on the closed pipe.
have_library() { ldconfig -p | grep "$1"; }
have_compiler() { echo 'int main() {}' | g++ -x c++ -fsyntax-only -; }

need chromium          "${CHROMIUM:-chromium}" --version
need fonts-dejavu-core test -d /usr/share/fonts/truetype/dejavu
need ripgrep           rg --version
need libvulkan1        have_library libvulkan.so.1
need g++               have_compiler
need make              make --version
need python3           python3 --version

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "The tests need these packages: ${missing[*]}" >&2
  echo "Install them (on Debian and Ubuntu, as root: apt-get install --no-install-recommends ${missing[*]}), then try again." >&2
  exit 1
fi

echo "Installing ${missing[*]}"
apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }
# Package lists have a lock of their own, which apt-get doesn't wait for.
for attempt in 1 2 3 4 5 6; do
  if apt update && apt install -y --no-install-recommends "${missing[@]}" >/dev/null; then
    exit 0
  fi
  echo "apt-get failed (try $attempt)" >&2
  sleep 10
done
exit 1
