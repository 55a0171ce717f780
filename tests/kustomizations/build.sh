#!/bin/sh
# Writes what kustomize builds of every folder here that has a `built.txt`, anew.
# KUSTOMIZE names the program where it is not on the path.
set -eu
cd "$(dirname "$0")"
find . -name built.txt | while read -r built; do
	"${KUSTOMIZE:-kustomize}" build "$(dirname "$built")" >"$built"
done
