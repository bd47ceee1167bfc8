use refluxo::prelude::*;

#[step]
async fn mail(to: String) -> Result<u32, String> {
    Ok(to.len() as u32)
}

#[step]
async fn ship(sku: &str) -> String {
    sku.to_owned()
}

#[workflow]
async fn sell(sku: String, to: Vec<String>) -> Result<u32, String> {
    let mailed = async_mail(to);
    let (sent, parcel) = join!(
        async move {
            let mut sent = Vec::new();
            for to in mailed {
                sent.push(mail(to).await?);
            }
            Ok::<_, String>(sent)
        },
        ship(&sku),
    );
    Ok(sent?.len() as u32 + parcel.len() as u32)
}

fn async_mail(to: Vec<String>) -> Vec<String> {
    to
}

fn main() {
    let _ = sell("a".into(), Vec::new());
}
