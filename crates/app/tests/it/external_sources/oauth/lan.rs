//! A source of the operator's own network whose authorization server is there, too.

use app::external_sources::Status;
use app::external_sources::oauth::Begun;
use isolated_network::run;

use super::desk::Desk;

const SOURCE: &str = "192.168.7.1:8000";
const AUTHORIZATION: &str = "10.1.2.3:9000";

#[test]
fn a_login_in_the_own_network_needs_a_person_for_each_machine_and_then_works() {
    run(async || {
        let desk = Box::pin(Desk::in_own_network([SOURCE, AUTHORIZATION])).await;
        let begun = desk.begin(&[]).await.expect("it asks");
        let Begun::Grant { hosts } = begun else { panic!("it goes on: {begun:?}") };
        assert_eq!(hosts, [AUTHORIZATION]);
        let heard = desk.issuer.state().heard;
        assert!(heard[0] > 0 && heard[1] == 0, "the source alone was asked: {heard:?}");

        desk.log_in().await;
        let name = desk.tool().await;
        desk.issuer.forget_access();
        let report = desk.call(&name).await.expect("it is logged");
        report.outcome.expect("it ran with a renewed token");
        assert_eq!(desk.issuer.asked("refresh_token").len(), 1);
        assert_eq!(desk.detail().await.status(), Status::Active);
    });
}
