#!/bin/sh
set -eu

export LD_PRELOAD=libjemalloc.so.2
export MALLOC_CONF=narenas:2,dirty_decay_ms:1000
exec gunicorn --threads 8 app:app
