use refluxo::prelude::*;

#[step]
async fn serve() -> ! {
    loop {}
}

fn main() {
    let _ = serve();
}
