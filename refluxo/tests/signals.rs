//! What `#[derive(Signal)]` makes of a type.

use refluxo::{
    prelude::*,
    suspend::{Pending, Suspend},
};

#[derive(Serialize, Deserialize, Signal)]
struct Approval {
    granted: bool,
}

#[derive(Serialize, Deserialize, Signal)]
#[signal(name = "cancel-order")]
enum Cancel {
    Now,
}

#[test]
fn a_signal_is_known_by_its_type_or_by_the_name_it_is_given() {
    let _ = (Approval { granted: true }.granted, Cancel::Now);
    assert_eq!((Approval::NAME, Cancel::NAME), ("Approval", "cancel-order"));
    let call = signal::<Cancel>();
    assert!(matches!(call.pending(), Pending::Signal { name: "cancel-order" }));
}
