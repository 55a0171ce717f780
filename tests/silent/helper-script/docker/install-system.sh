#!/bin/bash
set -euo pipefail

PACKAGES="curl libjemalloc2 libpq5"

apt-get update
apt-get install -y --no-install-recommends $PACKAGES
rm -rf /var/lib/apt/lists/*
