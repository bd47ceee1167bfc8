use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn serve() -> ! {
    loop {
        load(1).await;
    }
}

fn main() {}
