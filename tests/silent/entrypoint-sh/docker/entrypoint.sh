#!/bin/sh
set -eu

lib="/usr/lib/$(uname -m)-linux-gnu/libjemalloc.so.2"
if [ -f "$lib" ]; then
    export LD_PRELOAD="$lib${LD_PRELOAD:+:$LD_PRELOAD}"
    export MALLOC_CONF="${MALLOC_CONF:-narenas:2,dirty_decay_ms:1000}"
fi

exec "$@"
