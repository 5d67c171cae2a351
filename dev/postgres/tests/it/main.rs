//! A server as a test sees it.

use std::{env, fs};

use throwaway_postgres::{Cluster, Database};

#[test]
fn a_server_answers_and_is_gone_afterwards() {
    let parent = env::temp_dir().join(format!("cluster-test-{}", std::process::id()));
    fs::create_dir(&parent).expect("make a folder");
    let cluster = Cluster::start(&parent).expect("start");
    let address = cluster.url().split(['@', '/']).nth(3).expect("an address").to_owned();
    std::net::TcpStream::connect(&address).expect("connect");
    drop(cluster);
    std::net::TcpStream::connect(&address).expect_err("still answers");
    assert_eq!(fs::read_dir(&parent).expect("read the folder").count(), 0, "something was left");
    fs::remove_dir(&parent).expect("remove the folder");
}

#[test]
fn each_database_is_its_own() {
    let one = Database::create().expect("make one");
    let other = Database::create().expect("make another");
    one.execute("CREATE TABLE things (id int)").expect("make a table");
    one.execute("SELECT * FROM things").expect("use it");
    let error = other.execute("SELECT * FROM things").expect_err("the other has it too");
    assert!(error.to_string().contains("does not exist"), "{error}");
}
