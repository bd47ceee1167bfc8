#![deny(warnings)]
use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
#[allow(unused_variables, unused_mut)]
async fn report(id: u32) -> String {
    let mut unused = 1;
    load(id).await
}

fn main() {
    let _ = report(1);
}
