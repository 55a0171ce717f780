#!/command/with-contenv sh
find /usr/lib -name libjemalloc.so.2 > /run/s6/container_environment/LD_PRELOAD
