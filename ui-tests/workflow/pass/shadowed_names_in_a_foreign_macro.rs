use refluxo::prelude::*;
macro_rules! say {
    ($text:literal) => {
        format!($text)
    };
}

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(name: String) -> String {
    let said = {
        let name = load(1).await;
        say!("{name}")
    };
    say!("{name}") + &said
}

fn main() {
    let _ = report("a".into());
}
