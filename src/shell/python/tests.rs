//! Python text to settings.

use super::{Action, read};

/// Settings and execs, one a line.
fn shown(text: &str) -> String {
    let script = read(text);
    let settings = script.settings.iter().map(|setting| {
        let action = match setting.action {
            Action::Set => "set",
            Action::Default => "default",
            Action::Remove => "remove",
            Action::Mapping => "mapping",
        };
        let literal = if setting.literal.is_some() { "" } else { "~" };
        let guarded = if setting.guarded { " [maybe]" } else { "" };
        let name = &setting.variable;
        format!(
            "{action} {name}={literal}{}{guarded}",
            setting.expression(text)
        )
    });
    let execs = script.execs.iter().map(|exec| {
        let argv: Vec<&str> = exec
            .argv
            .iter()
            .map(|one| one.as_deref().unwrap_or("?"))
            .collect();
        format!(
            "{} {}{}",
            exec.function,
            argv.join(" "),
            if exec.guarded { " [maybe]" } else { "" }
        )
    });
    settings.chain(execs).collect::<Vec<_>>().join("\n")
}

#[test]
fn settings_are_found_in_every_spelling() {
    let cases = [
        (
            "os.environ[\"LD_PRELOAD\"] = \"libjemalloc.so.2\"",
            "set LD_PRELOAD=\"libjemalloc.so.2\"",
        ),
        ("environ['A'] = 'x' 'y'  # why", "set A='x' 'y'"),
        (
            "os.environ.setdefault(\"MALLOC_CONF\", \"narenas:2\")",
            "default MALLOC_CONF=\"narenas:2\"",
        ),
        ("os.putenv('LD_PRELOAD', path)", "set LD_PRELOAD=~path"),
        (
            "env['LD_PRELOAD'] = '/usr/lib/%s/x.so' % m()",
            "set LD_PRELOAD=~'/usr/lib/%s/x.so' % m()",
        ),
        ("env['A'] += ':x'", "set A=':x'"),
        ("os.environ['A']: str = 'b'", ""),
        ("del os.environ['LD_PRELOAD']", "remove LD_PRELOAD=~"),
        ("os.environ.pop('LD_PRELOAD', None)", "remove LD_PRELOAD=~"),
        ("os.unsetenv('A')", "remove A=~"),
        (
            "os.environ.update({'LD_PRELOAD': 'a', \"B\": f'{x}'})",
            "set LD_PRELOAD='a'\nset B=~f'{x}'",
        ),
        (
            "os.environ.update(LD_PRELOAD='a', **more)",
            "set LD_PRELOAD='a'",
        ),
        (
            "subprocess.run(cmd, env={'LD_PRELOAD': lib, **os.environ})",
            "mapping LD_PRELOAD=~lib",
        ),
        (
            "run(cmd, env=dict(os.environ, LD_PRELOAD='a'))",
            "mapping LD_PRELOAD='a'",
        ),
        (
            "env = {\n  # note\n  'A': 'b',\n  'C': [1, 2],\n}",
            "mapping A='b'\nmapping C=~[1, 2]",
        ),
        ("x = os.environ['LD_PRELOAD']; y = os.environ.get('A')", ""),
        ("if os.environ['A'] == 'b':\n    pass", ""),
        ("config['LD_PRELOAD'] = 'x'", ""),
        ("os.environ['A'] = \\\n    'b'", "set A='b'"),
        ("os.environ[\"A\"] = (\n  'b'\n)", "set A=~(\n  'b'\n)"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn comments_and_strings_fool_nobody() {
    let cases = [
        "# os.environ['LD_PRELOAD'] = 'x'",
        "\"\"\"\nos.environ['LD_PRELOAD'] = 'x'\n\"\"\"",
        "print(\"os.environ['LD_PRELOAD'] = 'x'\")",
        "s = 'it\\'s os.environ[\"A\"] = 1'",
        "s = r'\\\\' ; t = '''os.environ[\"A\"] = \"b\"'''",
    ];
    for text in cases {
        assert_eq!(shown(text), "", "{text}");
    }
}

#[test]
fn guards_are_branches_and_not_the_main_check() {
    let text = "\
import os
if exists(lib):
    os.environ['A'] = 'guarded'
else: os.environ['B'] = 'guarded'
def main():
    os.environ['C'] = 'plain'
    try:
        os.environ['D'] = 'plain'
    except OSError:
        os.environ['E'] = 'guarded'
if __name__ == '__main__':
    os.environ['F'] = 'plain'
    main()
";
    let maybe: Vec<bool> = read(text)
        .settings
        .iter()
        .map(|setting| setting.guarded)
        .collect();
    assert_eq!(maybe, [true, true, false, false, true, false]);
}

#[test]
fn execs_give_their_literal_arguments() {
    let cases = [
        (
            "os.execvp('gunicorn', ['gunicorn', '-w', str(n), 'app:app'])",
            "execvp gunicorn -w ? app:app",
        ),
        (
            "if x:\n  os.execl('/bin/sh', 'sh', '-c', 'x')",
            "execl sh -c x [maybe]",
        ),
        ("os.execve(sys.executable, args, environ)", "execve "),
        (
            "from os import execv\nexecv('/a', ('a', 'b',))",
            "execv a b",
        ),
        ("cursor.execute('x'); db.execv('a', ['b'])", ""),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
}
