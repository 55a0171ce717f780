//! Packages that must be known.

/// Every row of the tables of jemalloc packages: DISTRO RELEASE PACKAGE VERSION PATH-ON-AMD64.
pub(super) const JEMALLOC: &str = "
debian stretch libjemalloc1 3.6.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.1
debian buster libjemalloc2 5.1.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
debian bullseye libjemalloc2 5.2.1 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
debian bookworm libjemalloc2 5.3.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
debian trixie libjemalloc2 5.3.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
debian forky libjemalloc2 5.3.1 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
debian unstable libjemalloc2 5.3.1 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
debian 12.5 libjemalloc-dev 5.3.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
ubuntu xenial libjemalloc1 3.6.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.1
ubuntu bionic libjemalloc1 3.6.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.1
ubuntu focal libjemalloc2 5.2.1 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
ubuntu jammy libjemalloc2 5.2.1 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
ubuntu noble libjemalloc2 5.3.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
ubuntu questing libjemalloc2 5.3.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
ubuntu resolute libjemalloc2 5.3.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
ubuntu stonking libjemalloc2 5.3.1 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
ubuntu 24.04.1 libjemalloc-dev 5.3.0 /usr/lib/x86_64-linux-gnu/libjemalloc.so.2
alpine 3.20.3 jemalloc 5.3.0 /usr/lib/libjemalloc.so.2
alpine 3.24 jemalloc 5.3.0 /usr/lib/libjemalloc.so.2
alpine edge jemalloc ? /usr/lib/libjemalloc.so.2
fedora 42 jemalloc 5.3.0 /usr/lib64/libjemalloc.so.2
fedora 43 jemalloc 5.3.0 /usr/lib64/libjemalloc.so.2
fedora 44 jemalloc 5.3.0 /usr/lib64/libjemalloc.so.2
centos 7.9.2009 jemalloc 3.6.0 /usr/lib64/libjemalloc.so.1
rhel 8 jemalloc 5.2.1 /usr/lib64/libjemalloc.so.2
rockylinux 9.4 jemalloc 5.2.1 /usr/lib64/libjemalloc.so.2
ubi 10 jemalloc 5.3.0 /usr/lib64/libjemalloc.so.2
amazonlinux 2 jemalloc 3.6.0 /usr/lib64/libjemalloc.so.1
amazonlinux 2023 jemalloc 5.2.1 /usr/lib64/libjemalloc.so.2
opensuse tumbleweed libjemalloc2 5.3.0 /usr/lib64/libjemalloc.so.2
arch rolling jemalloc ? /usr/lib/libjemalloc.so.2
wolfi rolling libjemalloc2 5.3.1 /usr/lib/libjemalloc.so.2
photon 3 jemalloc 4.5.0 /usr/lib/libjemalloc.so.2
photon 4.0 jemalloc 5.2.1 /usr/lib/libjemalloc.so.2
photon 5.0 jemalloc 5.3.0 /usr/lib/libjemalloc.so.2
azurelinux 3.0 jemalloc 5.3.0 /usr/lib/libjemalloc.so.2
mariner 2.0 jemalloc 5.2.1 /usr/lib/libjemalloc.so.2
mariner 1.0 jemalloc 5.2.1 /usr/lib/libjemalloc.so.2
almalinux 8.10 jemalloc-devel 5.2.1 /usr/lib64/libjemalloc.so.2
oraclelinux 9 jemalloc-devel 5.2.1 /usr/lib64/libjemalloc.so.2
";

/// MANAGER PACKAGE = FAMILY [dev], whatever the release.
pub(super) const BY_NAME: &str = "
apt libjemalloc2 = jemalloc
apt libjemalloc1 = jemalloc
apt libjemalloc-dev = jemalloc dev
apt libtcmalloc-minimal4 = tcmalloc
apt google-perftools = tcmalloc
apt libgoogle-perftools-dev = tcmalloc dev
apt libmimalloc2.0 = mimalloc
apt libmimalloc3 = mimalloc
apt libmimalloc-dev = mimalloc dev
apk jemalloc = jemalloc
apk jemalloc-dev = jemalloc dev
apk libjemalloc2 = jemalloc
apk mimalloc2 = mimalloc
apk mimalloc = mimalloc
apk gperftools = tcmalloc
microdnf jemalloc = jemalloc
yum jemalloc-devel = jemalloc dev
dnf gperftools-libs = tcmalloc
dnf mimalloc-devel = mimalloc dev
zypper libjemalloc2 = jemalloc
tdnf jemalloc = jemalloc
pacman jemalloc = jemalloc
conda jemalloc = jemalloc
conda libjemalloc = jemalloc
conda gperftools = tcmalloc
apt jemalloc = none
conda libjemalloc2 = none
apt curl = none
";

/// DISTRO RELEASE PACKAGE = VERSION PATH-ON-ARM64 OLDEST-GLIBC, or `none`.
pub(super) const OTHERS: &str = "
debian 11 libtcmalloc-minimal4 = 2.8.1 /usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4 2.29
debian 12 libgoogle-perftools4 = 2.10 /usr/lib/aarch64-linux-gnu/libtcmalloc.so.4 2.29
debian 13 libtcmalloc-minimal4 = 2.16 /usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4 2.38
debian 14 libgoogle-perftools4t64 = 2.18.1 /usr/lib/aarch64-linux-gnu/libtcmalloc.so.4 2.38
debian sid libgoogle-perftools-dev = 2.18.1 /usr/lib/aarch64-linux-gnu/libtcmalloc.so.4 2.38
debian 13 google-perftools = 2.16 /usr/lib/aarch64-linux-gnu/libtcmalloc.so.4 2.38
debian 14 google-perftools = none
debian sid google-perftools = none
debian 12 libmimalloc2.0 = 2.0.9 /usr/lib/aarch64-linux-gnu/libmimalloc.so.2 2.34
debian 12 libmimalloc3 = none
debian 13 libmimalloc3 = 3.0.1 /usr/lib/aarch64-linux-gnu/libmimalloc.so.3 2.34
debian 14 libmimalloc3 = 3.6.0 /usr/lib/aarch64-linux-gnu/libmimalloc.so.3 2.34
debian sid libmimalloc-dev = 3.6.0 /usr/lib/aarch64-linux-gnu/libmimalloc.so.3 2.34
ubuntu 20.04 libtcmalloc-minimal4 = 2.7 /usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4 ?
ubuntu 22.04 libgoogle-perftools4 = 2.9.1 /usr/lib/aarch64-linux-gnu/libtcmalloc.so.4 ?
ubuntu 24.04 libtcmalloc-minimal4 = 2.15 /usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4 ?
ubuntu 25.04 libtcmalloc-minimal4 = ? /usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4 ?
ubuntu 26.04 libgoogle-perftools4t64 = 2.18.1 /usr/lib/aarch64-linux-gnu/libtcmalloc.so.4 ?
ubuntu 22.04 libtcmalloc-minimal4t64 = none
ubuntu 20.04 libmimalloc2.0 = none
ubuntu 22.04 libmimalloc2.0 = 2.0.5 /usr/lib/aarch64-linux-gnu/libmimalloc.so.2 ?
ubuntu 24.04 libmimalloc2.0 = 2.1.2 /usr/lib/aarch64-linux-gnu/libmimalloc.so.2 ?
ubuntu 24.04 libmimalloc3 = none
ubuntu 25.04 libmimalloc2.0 = none
ubuntu 25.04 libmimalloc3 = ? /usr/lib/aarch64-linux-gnu/libmimalloc.so.3 ?
ubuntu 26.10 libmimalloc3 = ? /usr/lib/aarch64-linux-gnu/libmimalloc.so.3 ?
";
