//! Nothing secret in what is printed: values of variables that are none of ours, credentials in addresses and options.

mod assignments;
pub(crate) mod live;
mod value;
mod words;
mod yaml;

use std::borrow::Cow;
use std::ops::Range;

/// What stands in place of what is not shown.
pub(crate) const MASK: &str = "…";

/// Of a longer line nothing is shown, in bytes.
const LONGEST: usize = 16 << 10;

/// A text of ours, in which words of a file may stand.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let hidden = ordered(words::hidden(text));
    if hidden.is_empty() {
        return text.into();
    }
    replaced(text, &hidden).into()
}

/// The words of a command, each by itself.
pub(crate) fn masked_words(words: &[String]) -> Vec<String> {
    let shown = masked(&words.join("\n")).into_owned();
    let parts: Vec<String> = shown.split('\n').map(str::to_owned).collect();
    if parts.len() == words.len() {
        return parts;
    }
    // A word holds lines of its own.
    words.iter().map(|word| masked(word).into_owned()).collect()
}

/// A start command: values of options that are not known are not shown, and no values that are hidden.
pub(crate) fn command(argv: &[String], hidden: &[String]) -> String {
    const SHORT: usize = 4;
    // A shell makes several words of one.
    let parts = hidden.iter().flat_map(|value| {
        value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\'))
    });
    let parts = parts.filter(|part| part.len() >= SHORT).map(str::to_owned);
    let hidden: Vec<String> = hidden.iter().cloned().chain(parts).collect();
    words::started(argv, |word| without(&masked(word), &hidden)).join(" ")
}

/// A text without the values that are hidden, where they stand as words of their own.
fn without(text: &str, hidden: &[String]) -> String {
    let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut ranges = Vec::new();
    for value in hidden.iter().filter(|value| !value.trim().is_empty()) {
        for (start, _) in text.match_indices(value.as_str()) {
            let end = start + value.len();
            let before = text.get(..start).and_then(|text| text.chars().next_back());
            let behind = text.get(end..).and_then(|text| text.chars().next());
            if !joins(before) && !joins(behind) {
                ranges.push(start..end);
            }
        }
    }
    replaced(text, &ordered(ranges))
}

fn replaced(text: &str, hidden: &[Range<usize>]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for range in hidden {
        shown.push_str(text.get(at..range.start).unwrap_or_default());
        shown.push_str(MASK);
        at = range.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

/// What is not shown of a line of a file, as ranges of its bytes in order. `beside` are the lines around it in the same item of
/// a list: the name of a `value:` stands on one of them.
pub(crate) fn in_line(line: &str, beside: &[&str]) -> Vec<Range<usize>> {
    // Nobody wrote that, and nobody reads it: what is at fault in it is told in words.
    if line.len() > LONGEST {
        return std::iter::once(0..line.len()).collect();
    }
    let mut hidden = words::hidden(line);
    hidden.extend(words::local(line));
    hidden.extend(words::told(line));
    hidden.extend(words::in_command(line));
    hidden.extend(assignments::hidden(line));
    hidden.extend(assignments::defaults(line));
    hidden.extend(yaml::hidden(line, beside));
    hidden.extend(comment(line));
    ordered(hidden)
}

/// A line of a file that is named by itself.
pub(crate) fn masked_line(line: &str) -> String {
    let mut hidden = in_line(line, &[]);
    if assignments::is_a_command(line) {
        hidden.extend(words::options(line));
    }
    replaced(line, &ordered(hidden))
}

/// A comment behind something else, but for one to this tool: nothing that is found is in it.
fn comment(line: &str) -> Option<Range<usize>> {
    // In these it is none.
    if assignments::declares(line) {
        return None;
    }
    let mut begins = line.match_indices(" #").map(|(at, _)| at);
    let open = |at: &usize| {
        let before = line.get(..*at).unwrap_or_default();
        let even = |quote: char| before.matches(quote).count().is_multiple_of(2);
        !before.trim().is_empty() && even('"') && even('\'')
    };
    let start = begins.find(open)? + " #".len();
    let text = line.get(start..)?;
    (!text.contains("malloclint")).then_some(start..start + text.trim_end().len())
}

/// Ranges in order, without those inside others.
fn ordered(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, usize::MAX - range.end));
    let mut kept: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match kept.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => kept.push(range),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        with_neighbours(line, &[])
    }

    fn with_neighbours(line: &str, beside: &[&str]) -> String {
        let mut text = line.to_owned();
        for range in in_line(line, beside).into_iter().rev() {
            text.replace_range(range, MASK);
        }
        text
    }

    #[test]
    fn values_of_others_are_not_shown() {
        let mut wrong = Vec::new();
        for (line, expected) in [
            ("DB_PASSWORD=hunter2", "DB_PASSWORD=…"),
            (
                "ENV DB_PASSWORD=hunter2 MALLOC_CONF=narenas:1",
                "ENV DB_PASSWORD=… MALLOC_CONF=narenas:1",
            ),
            (
                "ENV db_password=\"hunter two\" \\",
                "ENV db_password=\"…\" \\",
            ),
            ("ENV db_password hunter two", "ENV db_password …"),
            (
                "ENV LD_PRELOAD libjemalloc.so.2",
                "ENV LD_PRELOAD libjemalloc.so.2",
            ),
            ("    secret=hunter2 \\", "    secret=… \\"),
            ("export API_KEY='a b'", "export API_KEY='…'"),
            ("ENV A=$B C=${D}", "ENV A=$B C=${D}"),
            (
                "ENV MALLOC_CONF=\"narenas=2,tcach=3\" b=c",
                "ENV MALLOC_CONF=\"narenas=2,tcach=3\" b=…",
            ),
            ("ENV DB={\"a\": \"s\"}", "ENV DB=…"),
            (
                "ENV DB=a,s\\ s X=a\"s\" MALLOC_CONF=a",
                "ENV DB=… X=… MALLOC_CONF=a",
            ),
            ("      - DB_CONN=a s", "      - DB_CONN=…"),
            ("      - \"DB_CONN=a, s\"", "      - \"DB_CONN=…\""),
            ("      DB_CONN: \"a, b: c, s\"", "      DB_CONN: …"),
            ("      DB_CONN: a} s", "      DB_CONN: …"),
            ("ARG PYTHON_VERSION=3.12", "ARG PYTHON_VERSION=3.12"),
            (
                "RUN curl -H \"Authorization: Bearer abcdefgh\" x",
                "RUN curl -H \"Authorization: Bearer …\" x",
            ),
            (
                "CMD [\"app\", \"--password\", \"hunter2\", \"--port\", \"80\"]",
                "CMD [\"app\", \"--password\", \"…\", \"--port\", \"80\"]",
            ),
            (
                "CMD app --db-password=hunter2 --workers=4",
                "CMD app --db-password=… --workers=4",
            ),
            (
                "FROM registry.example.com/a:1@sha256:0123",
                "FROM registry.example.com/a:1@sha256:0123",
            ),
            (
                "RUN pip install git+https://user:pw@host/x git+ssh://git@host/y",
                "RUN pip install git+https://…@host/x git+ssh://git@host/y",
            ),
            (
                "RUN apt-get install -y libjemalloc2=5.3.0-1 flask==2.0",
                "RUN apt-get install -y libjemalloc2=5.3.0-1 flask==2.0",
            ),
            ("RUN echo ghp_0123456789abcdefghij", "RUN echo …"),
            ("      DB_PASSWORD: hunter2", "      DB_PASSWORD: …"),
            ("      - DB_PASSWORD=hunter2", "      - DB_PASSWORD=…"),
            ("      db_password: \"hunter2\"", "      db_password: …"),
            ("  - {name: DB, value: hunter2}", "  - {name: DB, value: …}"),
            (
                "  - {name: MALLOC_CONF, value: \"narenas:1\"}",
                "  - {name: MALLOC_CONF, value: \"narenas:1\"}",
            ),
            ("        image: shop/api:1", "        image: shop/api:1"),
            ("        memory: 512Mi", "        memory: 512Mi"),
            ("kind: Deployment", "kind: Deployment"),
            (
                "environment: {\"CONN\":\"hunter2\",\"MALLOC_CONF\":\"2\"}",
                "environment: {\"CONN\":…,\"MALLOC_CONF\":\"2\"}",
            ),
            (
                "env: [{\"name\":\"CONN\",\"value\":\"hunter2\"},{\"name\":\"LD_PRELOAD\",\"value\":\"2\"}]",
                "env: [{\"name\":\"CONN\",\"value\":…},{\"name\":\"LD_PRELOAD\",\"value\":…}]",
            ),
            (
                "environment: [\"conn=hunter2\", \"MALLOC_CONF=2\"]",
                "environment: [\"conn=…\", \"MALLOC_CONF=2\"]",
            ),
            ("  CONN: '{\"u\": \"x\"}'", "  CONN: …"),
            ("  B: \"*hunter3\"", "  B: …"),
            ("  C: &x hunter4", "  C: &x …"),
            ("  D: *x", "  D: *x"),
            (
                "  - {value: 3, name: MALLOC_CONF}",
                "  - {value: 3, name: MALLOC_CONF}",
            ),
            (
                "  token-service: {image: python:3.12, command: gunicorn a:b}",
                "  token-service: {image: python:3.12, command: gunicorn a:b}",
            ),
            (
                "    image: shop/token-svc:1.2",
                "    image: shop/token-svc:1.2",
            ),
            (
                "ENV X=\"a LD_PRELOAD=x hunter2\" MALLOC_CONF=2",
                "ENV X=\"…\" MALLOC_CONF=2",
            ),
            (
                "ONBUILD ENV conn=hunter2 MALLOC_CONF=2",
                "ONBUILD ENV conn=… MALLOC_CONF=2",
            ),
            (
                "CMD exec env -i conn=hunter2 gunicorn a:b",
                "CMD exec env -i conn=… gunicorn a:b",
            ),
            (
                "RUN --mount=type=cache,target=/x conn=hunter2 make",
                "RUN --mount=type=cache,target=/x conn=… make",
            ),
            ("export conn+=hunter6", "export conn+=…"),
            (
                "command: app ${X:+hunter4} ${X:=hunter4}",
                "command: app ${X:+…} ${X:=…}",
            ),
            (
                "RUN echo \"machine x login y password hunter2\" > ~/.netrc",
                "RUN echo \"machine x login y password …\" > ~/.netrc",
            ),
            (
                "RUN echo \"root:hunter2\" | chpasswd",
                "RUN echo \"root:…\" | chpasswd",
            ),
            (
                "RUN curl -uadmin:hunter2 --user=a:hunter3 x",
                "RUN curl -u… --user=… x",
            ),
            (
                "command=sudo -u www gunicorn a:b",
                "command=sudo -u www gunicorn a:b",
            ),
            ("ENV JEMALLOC_VERSION=5.3.0", "ENV JEMALLOC_VERSION=5.3.0"),
            (
                "ENV MALLOC_ARENA_MAX_=2 # two",
                "ENV MALLOC_ARENA_MAX_=2 # two",
            ),
            (
                "CMD [\"app\", \"--db-uri\", \"a hunter2\", \"--workers\", \"4\"]",
                "CMD [\"app\", \"--db-uri\", \"…\", \"--workers\", \"4\"]",
            ),
            (
                "CMD gunicorn --env=DB=hunter2 -w 4 a:b",
                "CMD gunicorn --env=… -w 4 a:b",
            ),
            (
                "command: app ${DB:-hunter2} ${PORT:-80} ${X:-} ${Y:-$Z}",
                "command: app ${DB:-…} ${PORT:-80} ${X:-} ${Y:-$Z}",
            ),
            ("CMD db=hunter2 gunicorn a:b", "CMD db=… gunicorn a:b"),
            (
                "RUN cd /x && db='hunter 2' cfg=hunter2 make -j4 V=$V",
                "RUN cd /x && db='…' cfg=… make -j4 V=$V",
            ),
            (
                "CMD [\"sh\", \"-c\", \"db=hunter2 app\"]",
                "CMD [\"sh\", \"-c\", \"db=… app\"]",
            ),
            ("LABEL a.b=hunter2 c=hunter3", "LABEL a.b=… c=…"),
            ("LABEL a.b hunter2", "LABEL a.b …"),
            (
                "    environment: {dsn_x: hunter2, MALLOC_CONF: \"a:1\"}",
                "    environment: {dsn_x: …, MALLOC_CONF: \"a:1\"}",
            ),
            (
                "  - {env: {x: hunter2}, image: shop}",
                "  - {env: {x: …}, image: shop}",
            ),
            (
                "    - {name: web, image: shop, env: [{name: x, value: hunter2}]}",
                "    - {name: web, image: shop, env: [{name: x, value: …}]}",
            ),
            ("  command: [app] # pin is hunter2", "  command: [app] #…"),
            (
                "  command: app # malloclint: ignore[preload-malformed]",
                "  command: app # malloclint: ignore[preload-malformed]",
            ),
        ] {
            if shown(line) != expected {
                wrong.push((shown(line), expected));
            }
        }
        assert_eq!(wrong, []);
        let value = "  value: hunter2";
        assert_eq!(with_neighbours(value, &["- name: DB"]), "  value: …");
        assert_eq!(
            with_neighbours(value, &["# c", "- \"name\": &a \"MALLOC_CONF\" # d"]),
            value
        );
        assert_eq!(
            with_neighbours("- value: x", &["  name: LD_PRELOAD"]),
            "- value: x"
        );
    }

    #[test]
    fn our_own_texts_stay() {
        for text in [
            "set `LD_PRELOAD=libjemalloc.so.2`",
            "`MALLOC_CONF=narenas:1` is what jemalloc reads",
            "FROM python:3.12-slim@sha256:0123",
            "`gunicorn` runs on glibc's default malloc: freed memory is given back late or never",
        ] {
            assert_eq!(masked(text), text);
        }
        assert_eq!(masked("`A_TOKEN=x` runs"), "`A_TOKEN=…` runs");
        let pairs = "`narenas=2` needs a colon, and so does `lg_tcache_max=3`";
        assert_eq!(masked(pairs), pairs);
    }

    #[test]
    fn credentials_in_commands_are_not_shown() {
        for (command, expected) in [
            ("mysql -u root -p hunter2 db", "mysql -u root -p … db"),
            (
                "/usr/bin/mysqldump -phunter2 db",
                "/usr/bin/mysqldump -p… db",
            ),
            (
                "mysql -h db && mkdir -p /data",
                "mysql -h db && mkdir -p /data",
            ),
            ("gunicorn -p /run/pid a:b", "gunicorn -p /run/pid a:b"),
            (
                "docker login -u me -p hunter2 host",
                "docker login -u me -p … host",
            ),
            ("curl -u admin:hunter2 x", "curl -u … x"),
            ("install -u 1000:1000 x", "install -u 1000:1000 x"),
            ("app --password \"a hunter2\" -v", "app --password \"…\" -v"),
            ("app --password -v", "app --password -v"),
            (
                "[\"app\", \"--password\", \"-hunter2\", \"-v\"]",
                "[\"app\", \"--password\", \"…\", \"-v\"]",
            ),
            (
                "curl https://x/y?password=hunter2&a=b&sig=hunter3",
                "curl https://x/y?password=…&a=b&sig=…",
            ),
            (
                "curl -H 'X-Api-Key: hunter2 x' -H \"Cookie:hunter3\"",
                "curl -H 'X-Api-Key: …' -H \"Cookie:…\"",
            ),
            (
                "curl -H 'Authorization: hunter2'",
                "curl -H 'Authorization: …'",
            ),
            (
                "curl -H 'Authorization: Bearer hunter2'",
                "curl -H 'Authorization: Bearer …'",
            ),
            (
                "app --set '{\"password\": \"hunter2 x\", \"port\": 80}'",
                "app --set '{\"password\": \"…\", \"port\": 80}'",
            ),
            (
                "app --set \"{\\\"api_key\\\":\\\"hunter2\\\"}\"",
                "app --set \"{\\\"api_key\\\":\\\"…\\\"}\"",
            ),
        ] {
            assert_eq!(masked(command), expected);
        }
    }

    #[test]
    fn of_a_start_command_known_options_are_shown() {
        let words = |text: &str| text.split('|').map(str::to_owned).collect::<Vec<_>>();
        for (argv, shown) in [
            (
                "gunicorn|--threads|8|-c|gunicorn.conf.py|a:b",
                "gunicorn --threads 8 -c gunicorn.conf.py a:b",
            ),
            (
                "python|app.py|--conn|hunter2 hunter3|--port|80",
                "python app.py --conn … --port 80",
            ),
            (
                "python|app.py|--conn=hunter2|-v|--rate=5|--env=A=b",
                "python app.py --conn=… -v --rate=5 --env=…",
            ),
            ("python|-c|print('hunter2')", "python -c …"),
            (
                "python|-m|celery|-A|shop|worker",
                "python -m celery -A shop worker",
            ),
        ] {
            assert_eq!(command(&words(argv), &[]), shown);
        }
    }

    #[test]
    fn known_values_are_found_in_a_text() {
        let hidden = ["hunter2".to_owned(), "a".to_owned(), String::new()];
        assert_eq!(
            without("app x-hunter2 a=a mad a", &hidden),
            "app x-… …=… mad …"
        );
    }
}
