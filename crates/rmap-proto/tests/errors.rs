//! Classification of error replies to writes.

use rmap_proto::{ServerError, WriteError};

fn classify(text: &str) -> WriteError {
    WriteError::from_server(ServerError::parse(text))
}

#[test]
fn errors_of_the_scripts_have_a_variant_each() {
    assert_eq!(classify("RMAPREVISION text"), WriteError::CorruptRevision);
    assert_eq!(classify("RMAPEXHAUSTED text"), WriteError::RevisionsExhausted);
    assert_eq!(classify("RMAPNOTALIST text"), WriteError::NotAList);
    assert_eq!(classify("RMAPINTEGER text"), WriteError::NotAnInteger);
    assert_eq!(classify("RMAPOVERFLOW text"), WriteError::Overflow);
    assert_eq!(classify("WRONGTYPE Operation against a key"), WriteError::WrongType);
}

#[test]
fn a_failed_step_is_named_by_its_number_and_cause() {
    let step = |step, cause| WriteError::Step { step, cause: Box::new(cause) };
    assert_eq!(classify("RMAPBATCH text"), WriteError::BatchTooLarge);
    assert_eq!(classify("RMAPSTEP 1 RMAPNOTALIST text"), step(0, WriteError::NotAList));
    assert_eq!(classify("RMAPSTEP 12 RMAPOVERFLOW text"), step(11, WriteError::Overflow));
    for strange in ["RMAPSTEP", "RMAPSTEP 0 RMAPNOTALIST", "RMAPSTEP x RMAPNOTALIST", "RMAPSTEP 1 ERR text"] {
        assert!(matches!(classify(strange), WriteError::Indeterminate(_)), "{strange}");
    }
}

#[test]
fn a_refused_command_of_a_script_is_named_by_its_cause() {
    let cause = ServerError::parse("OOM command not allowed");
    assert_eq!(classify("RMAPREFUSED OOM command not allowed"), WriteError::Rejected(cause));
    assert_eq!(classify("RMAPREFUSED WRONGTYPE Operation against a key"), WriteError::WrongType);
}

#[test]
fn codes_given_before_anything_ran_are_proof() {
    let codes = [
        "NOSCRIPT",
        "OOM",
        "READONLY",
        "NOREPLICAS",
        "MASTERDOWN",
        "NOPERM",
        "BUSY",
        "MISCONF",
        "LOADING",
        "CLUSTERDOWN",
        "MOVED",
        "ASK",
        "TRYAGAIN",
        "CROSSSLOT",
    ];
    for code in codes {
        let error = classify(&format!("{code} some text"));
        assert!(matches!(error, WriteError::Rejected(_)), "{error:?}");
    }
    let killed = "ERR Script killed by user with SCRIPT KILL... script: f00, on @user_script:1.";
    assert!(matches!(classify(killed), WriteError::Rejected(_)));
}

#[test]
fn any_other_error_proves_nothing() {
    let errors = [
        "ERR user_script:5: attempt to index a nil value",
        "ERR",
        "",
        "EXECABORT Transaction discarded",
        "UNKILLABLE Sorry the script already executed write commands",
        "RMAPPARTIAL NOPERM this user has no permissions to run the 'hset' command",
        "RMAPPARTIAL ERR Script killed by user",
        "NOPERMISSION x",
        "noperm x",
    ];
    for text in errors {
        let error = classify(text);
        assert!(matches!(error, WriteError::Indeterminate(_)), "{error:?}");
    }
}

#[test]
fn arguments_that_a_server_repeats_are_left_out() {
    let error =
        ServerError::parse("ERR unknown command 'AUTH', with args beginning with: 'alice' 'hunter2' ");
    assert_eq!(error.to_string(), "ERR unknown command 'AUTH'");
}
