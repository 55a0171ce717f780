use super::super::read;
use super::*;
use crate::text::apply;

fn pushed(text: &str, key: &str) -> Result<String, String> {
    let tree = read(text).unwrap();
    let sheet = Sheet { text, tree: &tree };
    let list = tree.own(tree.documents[0], key).unwrap().1;
    let added = Added::Pairs(vec![
        ("name".into(), "B".into()),
        ("value".into(), "\"2\"".into()),
    ]);
    let edit = sheet.push(list, &added)?;
    let out = String::from_utf8(apply(text.as_bytes(), &[edit]).unwrap()).unwrap();
    read(&out).unwrap();
    Ok(out)
}

#[test]
fn an_item_follows_the_style_of_the_last_one() {
    for (before, after) in [
        (
            "e:\n- name: A\n  value: x\nf: 1\n",
            "e:\n- name: A\n  value: x\n- name: B\n  value: \"2\"\nf: 1\n",
        ),
        (
            "e:\n  -  name: A\n",
            "e:\n  -  name: A\n  -  name: B\n     value: \"2\"\n",
        ),
        (
            "e:\n  -\n    name: A",
            "e:\n  -\n    name: A\n  - name: B\n    value: \"2\"",
        ),
        (
            "e: [{name: A}]\n",
            "e: [{name: A}, {name: B, value: \"2\"}]\n",
        ),
        ("e: []\n", "e: [{name: B, value: \"2\"}]\n"),
        (
            "e:\r\n- name: A # why\r\nf: 1\r\n",
            "e:\r\n- name: A # why\r\n- name: B\r\n  value: \"2\"\r\nf: 1\r\n",
        ),
        (
            "e:\n- v: |\n    x\n\n\nf: 1\n",
            "e:\n- v: |\n    x\n- name: B\n  value: \"2\"\n\n\nf: 1\n",
        ),
        (
            "e:\n- v: |+\n    x\n\nf: 1\n",
            "e:\n- v: |+\n    x\n\n- name: B\n  value: \"2\"\nf: 1\n",
        ),
        (
            "e:\n- v: |+\nf: 1\n",
            "e:\n- v: |+\n- name: B\n  value: \"2\"\nf: 1\n",
        ),
        (
            "e:\n- v: > # why\n\nf: 1\n",
            "e:\n- v: > # why\n\n- name: B\n  value: \"2\"\nf: 1\n",
        ),
        (
            "e:\n- v: |+\n\n\nf: 1\n",
            "e:\n- v: |+\n\n\n- name: B\n  value: \"2\"\nf: 1\n",
        ),
    ] {
        assert_eq!(pushed(before, "e").as_deref(), Ok(after), "{before}");
    }
    for refused in [
        "x: &x [1]\ne: *x\n",
        "e: &e\n- name: A\n",
        "e: ~\n",
        "e: !!seq [1]\n",
    ] {
        assert!(pushed(refused, "e").is_err(), "{refused}");
    }
}

#[test]
fn an_entry_stands_below_keys_that_nothing_stands_before() {
    let put = |text: &str| {
        let tree = read(text).unwrap();
        let sheet = Sheet { text, tree: &tree };
        let map = tree.own(tree.documents[0], "e").unwrap().1;
        let edit = sheet.put(map, "B", "2")?;
        let out = String::from_utf8(apply(text.as_bytes(), &[edit]).unwrap()).unwrap();
        read(&out).unwrap();
        Ok::<_, String>(out)
    };
    let before = "e:\n  !!str A: b # why\n  C: d\nf: 1\n";
    let after = "e:\n  !!str A: b # why\n  C: d\n  B: 2\nf: 1\n";
    assert_eq!(put(before).as_deref(), Ok(after));
    for refused in ["e:\n  !!str A: b\n", "e:\n  &a A: b\nf: 1\n"] {
        assert!(put(refused).is_err(), "{refused}");
    }
}
