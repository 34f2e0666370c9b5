//! Addresses for the parts behind the stack's own ports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

/// An address of this machine that is free now and that nobody can guess: a page in a browser finds what is at
/// 127.0.0.1 by trying all ports. Only Linux answers at the whole of 127.0.0.0/8.
pub fn hidden() -> Result<SocketAddr> {
    let mut random = [0; 3];
    getrandom::fill(&mut random).context("no random numbers")?;
    let [b, c, d] = random;
    let address = if cfg!(target_os = "linux") {
        Ipv4Addr::new(127, b, c, d.clamp(1, 254))
    } else {
        Ipv4Addr::LOCALHOST
    };
    free(address.into())
}

/// A port of 127.0.0.1 that nobody listens on now.
pub fn free_port() -> Result<u16> {
    Ok(free(Ipv4Addr::LOCALHOST.into())?.port())
}

fn free(address: IpAddr) -> Result<SocketAddr> {
    Ok(TcpListener::bind((address, 0))?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_address_is_of_this_machine_and_another_each_time() {
        let addresses: Vec<_> = (0..3).map(|_| hidden().unwrap()).collect();
        for address in &addresses {
            assert!(address.ip().is_loopback(), "{address}");
            TcpListener::bind(address).unwrap();
        }
        assert!(addresses[0] != addresses[1] || addresses[1] != addresses[2], "{addresses:?}");
    }
}
