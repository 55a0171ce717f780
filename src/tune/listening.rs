//! On which sockets the processes below one listen, by `/proc`: who holds a socket says `PID/fd`, what the socket is say the
//! tables of the process's own network (`PID/net`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::procfs;
use super::tree::Root;

/// The state of a TCP socket that takes connections.
const LISTEN: &str = "0A";
/// The flag of a Unix socket that does.
const ACCEPTS: u32 = 1 << 16;

/// A TCP socket that takes connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listener {
    /// Where connections are taken.
    pub(super) address: SocketAddr,
    /// The port as the process itself has it: in a container it may be another than here.
    pub(super) port: u16,
    /// Whether it is in the network that this process is in.
    pub(super) here: bool,
    /// Whether a process outside of the tree takes connections on the same port.
    pub(super) contested: bool,
}

/// What a tree listens on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sockets {
    /// Each port of a network once.
    pub(super) tcp: Vec<Listener>,
    /// Paths of Unix sockets.
    pub(super) unix: Vec<String>,
}

/// What the processes of a tree listen on.
pub(super) fn below(root: Root) -> Sockets {
    let own = network(&own_folder());
    let mut networks: BTreeMap<PathBuf, (PathBuf, BTreeSet<u64>)> = BTreeMap::new();
    for pid in root.processes() {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let sockets = held(&folder);
        let Some(network) = network(&folder).filter(|_| !sockets.is_empty()) else {
            continue;
        };
        let (_, all) = networks.entry(network).or_insert((folder, BTreeSet::new()));
        all.extend(sockets);
    }
    let mut found = Sockets::default();
    for (network, (folder, sockets)) in networks {
        let here = Some(&network) == own.as_ref();
        found.add(&Table::of(&folder), &sockets, here);
    }
    found
}

/// The process that listens on a port of this network, and its name, where that can be read.
pub(super) fn holder(port: u16) -> Option<(u32, String)> {
    let table = Table::of(&own_folder());
    let of_port = table
        .tcp
        .iter()
        .filter(|(address, _)| address.port() == port);
    let wanted: BTreeSet<u64> = of_port.map(|(_, inode)| *inode).collect();
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.find(|pid| !held(Path::new(&format!("/proc/{pid}"))).is_disjoint(&wanted))?;
    Some((pid, procfs::stat(pid).ok()?.comm))
}

fn own_folder() -> PathBuf {
    PathBuf::from("/proc/self")
}

/// The network that a process is in.
fn network(process: &Path) -> Option<PathBuf> {
    fs::read_link(process.join("ns/net")).ok()
}

/// The sockets that a process has open, by their numbers.
fn held(process: &Path) -> BTreeSet<u64> {
    let entries = fs::read_dir(process.join("fd"))
        .into_iter()
        .flatten()
        .flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links
        .filter_map(|link| {
            let inside = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            inside.parse().ok()
        })
        .collect()
}

impl Sockets {
    fn add(&mut self, table: &Table, own: &BTreeSet<u64>, here: bool) {
        for (address, inode) in &table.tcp {
            let known = |listener: &Listener| {
                listener.here == here && listener.address.port() == address.port()
            };
            if !own.contains(inode) || self.tcp.iter().any(known) {
                continue;
            }
            let others = |(other, inode): &(SocketAddr, u64)| {
                other.port() == address.port()
                    && !own.contains(inode)
                    && overlap(address.ip(), other.ip())
            };
            self.tcp.push(Listener {
                address: *address,
                port: address.port(),
                here,
                contested: table.tcp.iter().any(others),
            });
        }
        let unix = table.unix.iter().filter(|(_, inode)| own.contains(inode));
        self.unix.extend(unix.map(|(path, _)| path.clone()));
    }
}

/// Whether a connection to what listens on `own` may end up at the other: what listens on all addresses does so for its own family, and
/// what does so for IPv6 is asked by the name of this machine, which has both.
fn overlap(own: IpAddr, other: IpAddr) -> bool {
    let any = own.is_unspecified() || other.is_unspecified();
    let by_name = own.is_unspecified() && own.is_ipv6();
    own == other || by_name || any && own.is_ipv4() == other.is_ipv4()
}

/// The sockets of a network that take connections, each with its number.
#[derive(Debug, Default)]
struct Table {
    tcp: Vec<(SocketAddr, u64)>,
    unix: Vec<(String, u64)>,
}

impl Table {
    fn of(process: &Path) -> Self {
        let read = |name: &str| fs::read(process.join("net").join(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&read(name)).into_owned();
        let mut table = Self::default();
        for name in ["tcp", "tcp6"] {
            table.tcp.extend(text(name).lines().filter_map(tcp));
        }
        table.unix.extend(text("unix").lines().filter_map(unix));
        table
    }
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...`
fn tcp(line: &str) -> Option<(SocketAddr, u64)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    if *fields.get(3)? != LISTEN {
        return None;
    }
    Some((address(fields.get(1)?)?, fields.get(9)?.parse().ok()?))
}

/// `Num RefCount Protocol Flags Type St Inode Path`; abstract names are no paths.
fn unix(line: &str) -> Option<(String, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
    let inode = fields.nth(2)?.parse().ok()?;
    let path = fields.next().filter(|path| !path.starts_with('@'))?;
    (flags & ACCEPTS != 0).then(|| (path.to_owned(), inode))
}

/// An address as the kernel writes it: words of 32 bits as they lie in memory, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for at in (0..ip.len()).step_by(8) {
        let word = u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?;
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    let ip = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from)?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok().map(Ipv6Addr::from)?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn tables_are_read_as_the_kernel_writes_them() {
        let line = "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 4711 1 0 100 0";
        if cfg!(target_endian = "little") {
            assert_eq!(tcp(line), Some(("127.0.0.1:8000".parse().unwrap(), 4711)));
            let six = line.replace("0100007F", "00000000000000000000000001000000");
            assert_eq!(tcp(&six), Some(("[::1]:8000".parse().unwrap(), 4711)));
        }
        for other in [
            line.replace(" 0A ", " 01 "),
            line.replace("1F40", "1F4G"),
            line.replace("0100007F", "01007F"),
            String::new(),
        ] {
            assert_eq!(tcp(&other), None, "{other}");
        }
        let line = "0000000000000000: 00000002 00000000 00010000 0001 01 4712 /run/app.sock";
        assert_eq!(unix(line), Some(("/run/app.sock".into(), 4712)));
        assert_eq!(unix(&line.replace("00010000", "00000000")), None);
        assert_eq!(unix(&line.replace("/run", "@/run")), None);
        assert_eq!(unix("Num RefCount Protocol Flags Type St Inode Path"), None);
    }

    #[test]
    fn what_this_process_listens_on_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _unix = UnixListener::bind(folder.path().join("a.sock")).unwrap();
        let address = listener.local_addr().unwrap();
        let own = held(&own_folder());
        let mut found = Sockets::default();
        found.add(&Table::of(&own_folder()), &own, true);
        let here = found.tcp.iter().find(|one| one.address == address).unwrap();
        assert!(here.here && !here.contested);
        assert!(
            found.unix.iter().any(|path| path.ends_with("a.sock")),
            "{found:?}"
        );
        assert_eq!(holder(address.port()).unwrap().0, std::process::id());
        // The same without this process: somebody else's.
        let mut others = Sockets::default();
        others.add(&Table::of(&own_folder()), &BTreeSet::new(), true);
        assert_eq!(others, Sockets::default());
    }

    #[test]
    fn a_port_that_two_share_is_contested() {
        let table = Table {
            tcp: [
                "0.0.0.0:80",
                "127.0.0.1:80",
                "127.0.0.1:81",
                "10.0.0.1:82",
                "10.0.0.2:82",
            ]
            .into_iter()
            .zip(1..)
            .map(|(address, inode)| (address.parse().unwrap(), inode))
            .collect(),
            unix: Vec::new(),
        };
        let mut found = Sockets::default();
        found.add(&table, &BTreeSet::from([1, 3, 4]), true);
        let contested: Vec<(u16, bool)> = found
            .tcp
            .iter()
            .map(|one| (one.address.port(), one.contested))
            .collect();
        assert_eq!(contested, [(80, true), (81, false), (82, false)]);
        let ip = |text: &str| text.parse().unwrap();
        for (own, other, expected) in [
            ("127.0.0.1", "::", false),
            ("127.0.0.1", "0.0.0.0", true),
            ("::1", "0.0.0.0", false),
            ("::", "127.0.0.1", true),
            ("0.0.0.0", "::", false),
        ] {
            assert_eq!(overlap(ip(own), ip(other)), expected, "{own} {other}");
        }
    }
}
