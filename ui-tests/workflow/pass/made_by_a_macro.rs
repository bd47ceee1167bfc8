use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

macro_rules! reports {
    ($($name:ident: $ty:ty),*) => {
        $(#[workflow]
        async fn $name(id: u32, extra: $ty) -> $ty {
            let text = load(id).await;
            drop(text);
            extra
        })*
    };
}

reports!(daily: u32, weekly: Vec<String>);

fn main() {
    let _ = (daily(1, 2), weekly(1, vec![]));
}
