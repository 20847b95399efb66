* A 6T cell of predictive28 that keeps Q = 1 badly: Q-bar's pull-down is small and long for its pass gate, Q's pull-up is long.
.subckt weak BL BLB WL VDD VSS
Mpd_l Q   QB VSS VSS nmos28 w=105n l=30n
Mpu_l Q   QB VDD VDD pmos28 w=50n  l=60n
Mpg_l BL  WL Q   VSS nmos28 w=72n  l=30n
Mpd_r QB  Q  VSS VSS nmos28 w=50n  l=60n
Mpu_r QB  Q  VDD VDD pmos28 w=50n  l=30n
Mpg_r BLB WL QB  VSS nmos28 w=400n l=30n
.ends
