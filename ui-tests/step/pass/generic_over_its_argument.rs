use refluxo::prelude::*;
use serde::de::DeserializeOwned;

#[step]
async fn first<T>(list: Vec<T>) -> Option<T>
where
    T: Serialize + DeserializeOwned,
{
    list.into_iter().next()
}

#[tokio::main]
async fn main() {
    assert_eq!(first(vec![1]).await, Some(1));
}
