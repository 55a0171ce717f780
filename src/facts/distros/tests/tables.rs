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
