use refluxo::prelude::*;

macro_rules! steps {
    ($($name:ident: $ty:ty),*) => {
        $(#[step]
        async fn $name(value: $ty, by: &$ty) -> bool {
            value == *by
        })*
    };
}

steps!(same_number: u32, same_text: String);

#[tokio::main]
async fn main() {
    assert!(same_number(1, &1).await);
    assert!(!same_text("a".into(), &"b".into()).await);
}
