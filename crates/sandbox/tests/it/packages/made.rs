//! What a set does when all is well.

use super::*;

const SHOP: &[(&str, &str)] = &[
    ("shop/__init__.py", "from .prices import price\nLOADED = []\n__version__ = '1.2'\n"),
    (
        "shop/prices.py",
        "import json\nimport os\ndef price(text):\n    return json.loads(text)['price']\n",
    ),
    ("shop/deep/inner.py", "VALUE = 7\n"),
    ("shop/data/names.txt", "Ann\nBob\n"),
    ("shop/tests/test_all.py", "raise RuntimeError('tests are not loaded')\n"),
    ("shop-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: shop\nVersion: 1.2\n"),
    ("single.py", "import shop\ndef double(number):\n    return 2 * number\n"),
];

fn shop() -> SetSource {
    source(&["shop", "single"], SHOP)
}

#[tokio::test]
async fn tools_import_what_the_set_has_and_only_what_they_may() {
    for sandbox in sandboxes().await {
        let set = prepared(&sandbox, shop()).await.expect("it is prepared");
        let modules = ["shop", "single"];
        for (body, expected) in [
            ("import shop\nreturn shop.price('{\"price\": 3}')", "3"),
            ("from single import double\nreturn double(21)", "42"),
            ("from shop.deep import inner\nreturn inner.VALUE", "7"),
            ("import shop.deep.inner as inner\nreturn inner.__name__", "\"shop.deep.inner\""),
        ] {
            assert_eq!(result(&sandbox, &set, &modules, body).await, expected, "{body}");
        }
        let refused = called(&sandbox, &set, &["shop"], "import single").await.result;
        let refused = refused.expect_err("it was not granted");
        assert!(refused.message.contains("mcpbox_request_module"), "{refused}");
        let without =
            sandbox.run(Run { set: None, ..with(&set, &modules, "import shop") }, Arc::new(NoHost));
        let absent = without.await.result.expect_err("no set, no package");
        assert!(absent.message.contains("No module named 'shop'"), "{absent}");
    }
}

#[tokio::test]
async fn files_of_packages_are_read_in_the_ways_there_are() {
    for sandbox in sandboxes().await {
        let set = prepared(&sandbox, shop()).await.expect("it is prepared");
        let modules = ["shop", "importlib", "pkgutil"];
        for (body, expected) in [
            (
                "import importlib.resources as r\nimport shop\nreturn r.files(shop).joinpath('data/names.txt').read_text()",
                "\"Ann\\nBob\\n\"",
            ),
            (
                "import importlib.resources as r\nreturn sorted(p.name for p in r.files('shop').iterdir())",
                "[\"__init__.py\", \"data\", \"deep\", \"prices.py\", \"tests\"]",
            ),
            (
                "import importlib.resources as r\nwith r.open_text('shop', 'data', 'names.txt', encoding='utf-8') as f:\n    return f.readline()",
                "\"Ann\\n\"",
            ),
            (
                "import pkgutil\nreturn pkgutil.get_data('shop', 'data/names.txt').decode()",
                "\"Ann\\nBob\\n\"",
            ),
            (
                "import pkgutil, shop\nreturn sorted(m.name for m in pkgutil.walk_packages(shop.__path__, 'shop.'))",
                "[\"shop.prices\"]",
            ),
            (
                "import importlib.resources as r\nwith r.as_file(r.files('shop') / 'data' / 'names.txt') as path:\n    return [str(path), path.read_text()]",
                "[\"/packages/shop/data/names.txt\", \"Ann\\nBob\\n\"]",
            ),
            (
                "import importlib.resources as r\nreturn sorted(str(p) for p in r.files('shop').rglob('*.txt'))",
                "[\"/packages/shop/data/names.txt\"]",
            ),
            ("import importlib.metadata\nreturn importlib.metadata.version('Shop')", "\"1.2\""),
            ("import shop\nreturn shop.__file__", "\"/packages/shop/__init__.py\""),
        ] {
            assert_eq!(result(&sandbox, &set, &modules, body).await, expected, "{body}");
        }
        let body = "import shop\nos = shop.prices.os\nimport io\nwith io.open(os.path.join(os.path.dirname(shop.__file__), 'data', 'names.txt')) as f:\n    text = f.read()\nreturn [text, os.path.isdir('/packages/shop'), os.path.exists('/packages/shop/none'), os.listdir('/packages/shop/data')]";
        let expected = "[\"Ann\\nBob\\n\", true, false, [\"names.txt\"]]";
        assert_eq!(result(&sandbox, &set, &modules, body).await, expected);
        for (body, reason) in [
            ("import io\nio.open('/packages/shop/data/names.txt', 'w')", "PermissionError"),
            ("import io\nio.open('/packages/../etc/passwd')", "FileNotFoundError"),
            ("import io\nio.open('/packages/none')", "FileNotFoundError"),
        ] {
            let failure = called(&sandbox, &set, &modules, body).await.result.expect_err(body);
            assert!(failure.message.contains(reason), "{failure}");
        }
    }
}

#[tokio::test]
async fn what_a_call_does_to_a_package_no_other_call_sees() {
    for sandbox in sandboxes().await {
        let set = prepared(&sandbox, shop()).await.expect("it is prepared");
        let body = "import shop\nshop.LOADED.append(1)\nshop.price = None\nreturn len(shop.LOADED)";
        for _ in 0..6 {
            assert_eq!(result(&sandbox, &set, &["shop"], body).await, "1");
        }
    }
}

#[tokio::test]
async fn sets_share_nothing_and_work_side_by_side() {
    for sandbox in sandboxes().await {
        let one = prepared(&sandbox, source(&["thing"], &[("thing.py", "NAME = 'one'\n")])).await;
        let two = prepared(
            &sandbox,
            source(&["thing"], &[("thing.py", "NAME = 'two'\n"), ("more.py", "")]),
        );
        let (one, two) = (one.expect("it is prepared"), two.await.expect("it is prepared"));
        let body = "import thing\nkept, thing.NAME = thing.NAME, 'changed'\nreturn kept";
        let calls = (0..40).map(|number| {
            let (set, name) = if number % 2 == 0 { (&one, "\"one\"") } else { (&two, "\"two\"") };
            let sandbox = &sandbox;
            async move { assert_eq!(result(sandbox, set, &["thing"], body).await, name) }
        });
        futures::future::join_all(calls).await;
        let refused = called(&sandbox, &one, &["more"], "import more").await.result;
        assert!(refused.is_err_and(|failure| failure.message.contains("No module named 'more'")));
        crate::assert_works(&sandbox).await;
    }
}

#[tokio::test]
async fn a_tool_of_a_set_is_loaded_ahead_and_sees_its_packages() {
    let sandbox = crate::sandbox(1).await;
    let set = prepared(&sandbox, shop()).await.expect("it is prepared");
    let source = "import shop\nfrom single import double\nasync def main(n: int):\n    shop.LOADED.append(n)\n    return [double(n), len(shop.LOADED)]\n";
    for number in 0..5 {
        let arguments = format!("{{\"n\": {number}}}").into();
        let run =
            Run { source: source.to_owned(), arguments, ..with(&set, &["shop", "single"], "") };
        let outcome = sandbox.run(run, Arc::new(NoHost)).await;
        assert_eq!(outcome.result.expect("it works"), format!("[{}, 1]", 2 * number));
    }
    // The same source with another set is another tool.
    let other = source_of_other();
    let other = prepared(&sandbox, other).await.expect("it is prepared");
    let run = Run {
        source: source.to_owned(),
        arguments: "{\"n\": 4}".to_owned().into(),
        ..with(&other, &["shop", "single"], "")
    };
    assert_eq!(sandbox.run(run, Arc::new(NoHost)).await.result.expect("it works"), "[12, 1]");
}

fn source_of_other() -> SetSource {
    source(
        &["shop", "single"],
        &[
            ("shop.py", "LOADED = []\n"),
            ("single.py", "def double(number):\n    return 3 * number\n"),
        ],
    )
}

#[tokio::test]
async fn schemas_come_from_types_of_packages() {
    for sandbox in sandboxes().await {
        let files = [(
            "kinds.py",
            "from enum import Enum\nclass Colour(Enum):\n    RED = 'red'\n    BLUE = 'blue'\n",
        )];
        let set = prepared(&sandbox, source(&["kinds"], &files)).await.expect("it is prepared");
        let policy = ModulePolicy::new(Vec::new(), vec!["kinds".to_owned()]).expect("a name");
        let source =
            "from kinds import Colour\nasync def main(colour: Colour) -> dict:\n    return {}\n";
        let seen = sandbox.inspect(source, &policy, Some(&set), crate::GROUP).await;
        let schema = seen.expect("an inspection").input_schema.expect("a schema").to_string();
        assert!(schema.contains("red") && schema.contains("blue"), "{schema}");
    }
}

#[tokio::test]
async fn progress_is_told_and_what_was_made_is_found_again() {
    for sandbox in sandboxes().await {
        let folder = tempfile::tempdir().expect("a folder");
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let progress = move |text| telling.lock().expect("nobody panics").push(text);
        assert!(sandbox.kept_set("key", folder.path()).await.is_none());
        let made = sandbox.prepare_set("key", shop(), folder.path(), progress).await;
        let made = made.expect("it is prepared");
        let told = told.lock().expect("nobody panics").clone();
        assert_eq!(told.first().map(String::as_str), Some("compiling: file 1 of 7"));
        assert_eq!(told.last().map(String::as_str), Some("loading the modules"));
        let kept = sandbox.kept_set("key", folder.path()).await.expect("it is kept");
        assert_eq!(kept.report(), made.report());
        assert_eq!(
            result(&sandbox, &kept, &["shop"], "import shop\nreturn shop.__version__").await,
            "\"1.2\""
        );
        assert!(sandbox.kept_set("other", folder.path()).await.is_none());
        damage(folder.path());
        assert!(sandbox.kept_set("key", folder.path()).await.is_none());
        sandbox.sweep_sets(folder.path(), vec!["key".to_owned()]).await;
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
        sandbox.sweep_sets(folder.path(), Vec::new()).await;
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}

/// What requirements of packages are judged by: `crates/packages/src/environment.rs` says the same.
#[tokio::test]
async fn python_says_of_itself_what_packages_are_chosen_for() {
    let text = "import os, platform, sys\nSEEN = [list(sys.version_info[:2]), os.name, sys.platform, platform.system(), platform.machine(), sys.implementation.name, platform.python_implementation()]\n";
    let sandbox = crate::sandbox(1).await;
    let set = prepared(&sandbox, source(&["seen"], &[("seen.py", text)])).await;
    let set = set.expect("it is prepared");
    let seen = result(&sandbox, &set, &["seen"], "import seen\nreturn seen.SEEN");
    let expected = r#"[[3, 14], "posix", "wasi", "wasi", "wasm32", "cpython", "CPython"]"#;
    assert_eq!(seen.await, expected);
}

fn damage(folder: &Path) {
    for file in std::fs::read_dir(folder).expect("a folder").flatten() {
        let mut bytes = std::fs::read(file.path()).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(file.path(), bytes).expect("it is written");
    }
}

#[tokio::test]
async fn no_two_calls_draw_the_same_from_a_package() {
    let text =
        "import random\nfree = random.Random()\nseeded = random.Random(7)\nbound = free.random\n";
    for sandbox in sandboxes().await {
        let set = prepared(&sandbox, source(&["dice"], &[("dice.py", text)])).await;
        let set = set.expect("it is prepared");
        let body = "import dice\nreturn [dice.free.random(), dice.bound(), dice.seeded.random()]";
        let (mut free, mut seeded) = (HashSet::new(), HashSet::new());
        for _ in 0..5 {
            let drawn: Vec<f64> =
                serde_json::from_str(&result(&sandbox, &set, &["dice"], body).await)
                    .expect("numbers");
            free.extend([drawn[0].to_bits(), drawn[1].to_bits()]);
            seeded.insert(drawn[2].to_bits());
        }
        assert_eq!((free.len(), seeded.len()), (10, 1), "seeded ones go on as they were seeded");
    }
}
