use refluxo::prelude::*;

#[step]
async fn double(n: u32) -> u32 {
    2 * n
}

#[workflow]
async fn timed(n: u32) -> bool {
    let (late, _) = join!(
        async move {
            let began = std::time::Instant::now();
            let doubled = double(n).await;
            began.elapsed().as_secs() > u64::from(doubled)
        },
        double(1),
    );
    late
}

fn main() {
    let _ = timed(1);
}
