import { createHmac } from 'node:crypto';

/** The secret of an account, as the farm wants it, with codes of two seconds so that tests need not wait. */
export function totpOf(login: string): string {
  return `otpauth://totp/${login}?secret=${base32(Buffer.from(login.padEnd(10, '.')))}&period=${period}`;
}

const period = 2;

/** The codes that a site accepts now: also those that have just ended, because typing takes time. */
export function codesOf(login: string): string[] {
  const now = Math.floor(Date.now() / 1000 / period);
  return [0, 1, 2, 3, 4, 5].map(ago => code(Buffer.from(login.padEnd(10, '.')), now - ago));
}

function code(secret: Buffer, counter: number): string {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const digest = createHmac('sha1', secret).update(message).digest();
  const offset = digest[19]! & 0xf;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

function base32(bytes: Buffer): string {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map(five => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five, 2)]).join('');
}
