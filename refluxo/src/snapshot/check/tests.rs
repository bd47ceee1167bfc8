//! What is refused, with its place; and what goes through comes back equal.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{save_json, write_json};

/// The JSON of a value, or why it has none.
fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let mut out = Vec::new();
    write_json(value, &mut out).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}

/// Writes and reads a value.
#[track_caller]
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let text = json(value).expect("the value has JSON");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("the JSON is readable"), value, "{text}");
}

/// Tries to write a value that must be refused.
#[track_caller]
fn refused<T: Serialize>(value: &T) -> String {
    json(value).expect_err("the value has no JSON")
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    price: f64,
    note: Option<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    items: Vec<Item>,
    by_id: BTreeMap<u32, Item>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Wrapped(()),
    Named { radius: f32 },
    Pair(u8, Option<()>),
}

#[test]
fn some_of_null_is_refused_in_every_guise() {
    assert!(refused(&Some(())).contains("`Some(())` is `null`"));
    assert!(refused(&Some(Unit)).contains("`Some(Unit)`"));
    assert!(refused(&Some(None::<u8>)).contains("`Some(None)`"));
    assert!(refused(&Some(Newtype(()))).contains("`Some(())`"));
    assert!(refused(&Some(Some(Newtype(None::<u8>)))).contains("`Some(None)`"));
    assert!(refused(&Some(serde_json::Value::Null)).contains("`Some(())`"));
}

#[test]
fn nulls_elsewhere_come_back() {
    comes_back(&());
    comes_back(&Unit);
    comes_back(&None::<()>);
    comes_back(&vec![(), ()]);
    comes_back(&Some(Some(1_u8)));
    comes_back(&Some(vec![()]));
    comes_back(&Some(Shape::Wrapped(())));
    comes_back(&Some(Shape::Nothing));
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    assert!(refused(&f64::NAN).contains("the number NaN has no JSON"));
    assert!(refused(&f32::INFINITY).contains("the number inf has no JSON"));
    assert!(refused(&Some(f64::NEG_INFINITY)).contains("-inf"));
}

#[test]
fn every_finite_number_comes_back_exactly() {
    // A multiplicative generator visits doubles of every exponent.
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (double, single) = (f64::from_bits(bits), f32::from_bits((bits >> 32) as u32));
        if double.is_finite() {
            comes_back(&double);
        }
        if single.is_finite() {
            comes_back(&single);
        }
    }
    comes_back(&(-0.0_f64));
    comes_back(&(u128::MAX, i128::MIN, u64::MAX, i64::MIN));
}

#[test]
fn an_error_names_the_place() {
    let item = |price| Item { price, note: None };
    let order = Order { items: vec![item(1.0), item(f64::NAN)], by_id: BTreeMap::new() };
    assert!(refused(&order).starts_with("at `.items[1].price`: the number NaN"), "{}", refused(&order));

    let order = Order { items: vec![], by_id: BTreeMap::from([(7, item(1.0)), (8, item(f64::NAN))]) };
    assert!(refused(&order).starts_with("at `.by_id[1].price`:"), "{}", refused(&order));

    assert!(refused(&Shape::Named { radius: f32::NAN }).starts_with("at `.radius`:"));
    assert!(refused(&Shape::Pair(1, Some(()))).starts_with("at `[1]`:"));
}

#[test]
fn keys_of_maps_must_have_text() {
    comes_back(&HashMap::from([(1_u128, "a".to_owned()), (2, "b".to_owned())]));
    comes_back(&BTreeMap::from([('x', true)]));
    comes_back(&BTreeMap::from([(true, 1)]));
    let error = refused(&BTreeMap::from([((1, 2), 3)]));
    assert!(error.contains("key must be a string"), "{error}");
}

#[test]
fn raw_json_goes_through_unchanged() {
    let raw = serde_json::value::RawValue::from_string(r#"{"a": 1.50}"#.to_owned()).expect("this is JSON");
    assert_eq!(json(&raw).expect("raw JSON is JSON"), r#"{"a": 1.50}"#);
}

#[test]
fn flattened_and_tagged_values_are_checked_too() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        #[serde(flatten)]
        item: Item,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Item(Item),
    }
    let item = |price| Item { price, note: None };
    comes_back(&Outer { item: item(0.1) });
    comes_back(&Tagged::Item(item(0.1)));
    assert!(refused(&Outer { item: item(f64::NAN) }).contains("NaN"));
    assert!(refused(&Tagged::Item(item(f64::NAN))).contains("at `.price`"));
}

#[test]
fn what_serde_itself_loses_is_found_by_reading_it_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Counted {
        #[serde(flatten)]
        counts: Counts,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Counts {
        by_id: HashMap<u128, u8>,
    }
    let counted = Counted { counts: Counts { by_id: HashMap::from([(7, 1)]) } };
    let mut out = b"{".to_vec();
    let saved = save_json(&counted, &mut out).map_err(|error| error.to_string());
    if cfg!(debug_assertions) {
        let error = saved.expect_err("a number can't be read as a key inside a flattened struct");
        assert!(error.contains("its JSON can't be read back as a `"), "{error}");
    }
    save_json(&Counts { by_id: HashMap::from([(7, 1)]) }, &mut Vec::new()).expect("it can without `flatten`");
}
