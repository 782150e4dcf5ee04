import { BlockList, isIP } from "node:net";

/**
 * Which addresses a webhook may be sent to unless its owner allows others: those of the public internet. Whoever may add
 * a webhook could otherwise reach what only this machine can: neighbours behind a firewall, itself, the metadata
 * service of its cloud.
 */
const FORBIDDEN_IPV4 = [
  ["0.0.0.0", 8], // this host: connects to itself
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // carrier-grade NAT; some clouds' metadata
  ["127.0.0.0", 8],
  ["168.63.129.16", 32], // Azure's host
  ["169.254.0.0", 16], // link-local; most clouds' metadata
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // 6to4 relays
  ["192.168.0.0", 16],
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, broadcast
] as const;

/** Only 2000::/3 is handed out to the public; these parts of it are not, or hide an IPv4 address. */
const FORBIDDEN_IPV6 = [
  ["2001::", 23], // Teredo and other protocols
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4
  ["3fff::", 20], // documentation
] as const;

const forbidden = new BlockList();
for (const [network, prefix] of FORBIDDEN_IPV4) forbidden.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of FORBIDDEN_IPV6) forbidden.addSubnet(network, prefix, "ipv6");
const publicIpv6 = new BlockList();
publicIpv6.addSubnet("2000::", 3, "ipv6");

/** Whether the address, an IPv4 or IPv6 one in any spelling, belongs to the public internet. */
export function isPublicAddress(address: string): boolean {
  const plain = address.split("%")[0] ?? ""; // without the zone of a link-local address
  switch (isIP(plain)) {
    case 4:
      return !forbidden.check(plain, "ipv4");
    case 6:
      return publicIpv6.check(plain, "ipv6") && !forbidden.check(plain, "ipv6");
    default:
      return false;
  }
}
