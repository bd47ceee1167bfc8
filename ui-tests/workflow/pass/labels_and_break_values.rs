use refluxo::prelude::*;
#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(ids: Vec<u32>) -> Option<u32> {
    'all: for id in &ids {
        let found = loop {
            match load(*id).await.len() {
                0 => continue 'all,
                1 => break *id,
                _ => break 'all,
            }
        };
        return Some(found);
    }
    None
}

fn main() {
    let _ = report(vec![]);
}
