use refluxo::prelude::*;

#[step]
async fn resize(file: String, width: u32) -> Result<u64, String> {
    Ok(u64::from(width) + file.len() as u64)
}

#[workflow]
async fn gallery(files: Vec<String>) -> Result<u64, String> {
    let mut sum = 0;
    for size in join_all!(for file in &files => resize(file.clone(), 640), limit = 8) {
        sum += size?;
    }
    let sizes = join_all!(for (n, file) in files.into_iter().enumerate() => {
        let width = n as u32 * 100;
        resize(file, width)
    });
    Ok(sum + sizes.len() as u64)
}

fn main() {
    let _ = gallery(Vec::new());
}
