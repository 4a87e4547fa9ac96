/** Merchant categories (ISO 18245) as officers call them; the code itself stays on screen beside the words. */
const NAMES: Readonly<Record<string, string>> = {
  "4111": "Local transport",
  "4121": "Taxi",
  "4511": "Airline",
  "4722": "Travel agency",
  "4814": "Telephone service",
  "4829": "Money transfer",
  "4899": "Streaming",
  "4900": "Utilities",
  "5045": "Computers",
  "5094": "Precious stones",
  "5200": "Home supplies",
  "5310": "Discount store",
  "5311": "Department store",
  "5411": "Grocery",
  "5499": "Food store",
  "5541": "Fuel",
  "5542": "Fuel pump",
  "5651": "Clothing",
  "5661": "Shoes",
  "5691": "Clothing",
  "5712": "Furniture",
  "5732": "Electronics",
  "5734": "Software store",
  "5812": "Restaurant",
  "5813": "Bar",
  "5814": "Fast food",
  "5815": "Digital media",
  "5816": "Digital games",
  "5817": "Digital apps",
  "5818": "Digital goods",
  "5912": "Pharmacy",
  "5942": "Books",
  "5944": "Jewellery",
  "5967": "Adult content",
  "5999": "Other retail",
  "6010": "Cash at a counter",
  "6011": "Cash machine",
  "6012": "Financial goods",
  "6051": "Quasi-cash, crypto",
  "6211": "Brokerage",
  "6300": "Insurance",
  "6540": "Stored value",
  "7011": "Hotel",
  "7230": "Hairdresser",
  "7512": "Car rental",
  "7832": "Cinema",
  "7995": "Gambling",
  "7997": "Sports club",
  "8011": "Doctor",
  "8021": "Dentist",
  "8062": "Hospital",
  "8220": "University",
  "8299": "School",
};

export function categoryName(mcc: string): string {
  return NAMES[mcc] ?? `Category ${mcc}`;
}

const CHANNELS: Readonly<Record<string, string>> = {
  chip: "Chip",
  contactless: "Contactless",
  swipe: "Swipe",
  ecom: "Online",
  atm: "Cash machine",
  transfer: "Transfer",
};

export function channelName(channel: string): string {
  return CHANNELS[channel] ?? channel;
}
