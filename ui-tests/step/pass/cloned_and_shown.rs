use refluxo::prelude::*;

#[derive(Serialize, Deserialize)]
struct Plain(u32);

#[step]
async fn keep(plain: Plain, by: Option<String>) -> u32 {
    plain.0 + by.map_or(0, |by| by.len() as u32)
}

#[step]
async fn add(a: u32, b: u32) -> u32 {
    a + b
}

fn main() {
    assert_eq!(format!("{:?}", keep(Plain(1), None)), r#"keep {"plain":1,"by":null}"#);
    assert_eq!(add(1, 2).clone().b, 2);
}
